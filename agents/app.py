"""For ``faust -A agents.app worker``: the touchpoints agent with the settings of this place."""

from agents import logs
from agents.settings import Settings
from agents.wiring import worker_app

settings = Settings.load()
logs.configure(settings.logging.format, settings.logging.level)
app = worker_app(settings)
