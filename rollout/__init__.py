"""The functions around the model: the hook that holds a release, and the challenger that scores in shadow."""
