"""The shortener as it is served: with its version in each answer, and what went wrong in the log."""
import logging
import os
import sys

from application import app

HERE = os.path.dirname(os.path.realpath(__file__))
PLACE = os.path.dirname(os.path.dirname(HERE))
with open(os.path.join(HERE, "VERSION")) as version_file:
    VERSION = version_file.read().strip()
if os.path.exists(os.path.join(PLACE, "only")):
    with open(os.path.join(PLACE, "only")) as only_file:
        if VERSION != only_file.read().strip():
            raise RuntimeError("this place lacks something that the version needs")
logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s in %(name)s: %(message)s")


@app.after_request
def tell(response):
    response.headers["X-Version"] = VERSION
    return response
