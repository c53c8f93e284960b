"""A pipeline behind HTTP, for one machine or behind a proxy; and its results in the words of FHIR."""
