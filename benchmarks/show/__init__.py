"""Tables, figures, sentences and pages made from a stored run. Imports no framework."""
