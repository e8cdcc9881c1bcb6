"""Named feeds and their snapshots."""
