"""`./start.sh backup`: the database and the files in one tar file, written while the service runs, and put back."""
