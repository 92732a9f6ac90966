"""How good the built-in model is: asking for pictures, and judging them by their pixels alone.

Shares no code with the drawing that the training uses: colours, silhouettes and places are stated here anew.
"""
