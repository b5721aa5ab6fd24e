"""Measurements: ours beside a peer in the same run, as ratios and CPU time, because other times say little."""
