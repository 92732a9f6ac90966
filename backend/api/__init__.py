"""The documented contracts, one package each, and the routes for operators."""
