"""Drawings of the documents, made from the code they explain: `make figures`."""
