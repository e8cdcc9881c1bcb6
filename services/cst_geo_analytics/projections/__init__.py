"""The projections: a row per request, sums, how they are written and made again."""
