"""This service's routing table: which topic goes to which consumer."""

from app.consumers.example import ExampleConsumer
from app.routes import Routes


def draw(routes: Routes) -> None:
    """Draws the table; the whole is checked at boot."""
    routes.topic("example", ExampleConsumer)
