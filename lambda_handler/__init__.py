"""Bundle -> answers over HTTP. Deployed alone: nothing here imports anything else of this project."""
