"""Scores to judge a pipeline by: counts, intervals, confusion, reliability, errors; and a page that shows them."""
