"""Real services that come with pip, for a laptop: never for production."""
