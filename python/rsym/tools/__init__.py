"""Programs: ``python -m rsym.tools.im2rec`` writes record files of pictures."""
