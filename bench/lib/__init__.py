"""The parts of the measurements.

In reading order: place, repository, fleet, meter, tree, peer, rounds. What is no release: crowd, asks, floor.
What was measured: results, figures, table. The whole of it: steps, goals, curves, plot, performance.
"""
