"""Numbers made from stored rows: intervals, merged processes, scaling."""
