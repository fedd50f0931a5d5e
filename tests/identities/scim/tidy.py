"""A client of the peer that makes what it tests go away once."""

from typing import Any

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_models import NotFoundException


class Tidy(WSGISCIMClient):
    """Deletes each resource once.

    After each of its checks the suite deletes again all that it made before, 500 of its 740 requests.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone: set[str] = set()

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Delete a resource that is still there."""
        if args[1] in self.gone:
            raise NotFoundException(detail="It was deleted before.")
        answer = super().delete(*args, **kwargs)
        self.gone.add(args[1])
        return answer
