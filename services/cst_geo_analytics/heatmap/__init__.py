"""The heatmap: sums into hexagons, kept, and drawn."""
