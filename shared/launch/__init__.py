"""Starting Darkroom on one machine: installs what is missing, then keeps broker, web tier and worker running.

Knows the other packages only as commands to run; imports nothing of them but the settings.
"""
