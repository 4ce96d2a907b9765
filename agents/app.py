"""``faust -A touchstream.agents.app worker``: the touchpoints agent with the settings of here."""

from touchstream.agents import garbage, logs
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import worker_app

settings = Settings.load()
logs.configure(settings.logging.format, settings.logging.level)
app = worker_app(settings)
garbage.relax()
