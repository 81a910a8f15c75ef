"""What the studio answers: a function for each address. Its docstring is what /openapi.json says of it."""

import inspect
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from zoo._version import __version__
from zoo.app.guards import TEXT, Bodies, DeniedError, Guard
from zoo.app.pool import BrokenError, BusyError, FailedError, Pool
from zoo.app.store import MissingError, Project, Store
from zoo.app.training import Trainings
from zoo.console import note
from zoo.errors import UsageError, ZooError, printable
from zoo.studies.kept import kept_outcomes

PAGES = Path(__file__).parent / "pages"
EXPORTS = {"keras": "application/octet-stream", "onnx": "application/octet-stream", "html": "text/html"}
LONG = 600  # seconds for what looks at all photos of a project, or writes a file
REPORT = (  # the report's page has a policy of its own beside this
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
STATUS = {MissingError: 404, BusyError: 503, BrokenError: 422, FailedError: 500, UsageError: 400, ZooError: 422}


class Studio:
    """The studio's answers.

    Args:
        store: what is on the disk.
        pool: for pictures and models.
        trainings: for training.
        play: a pool of one, for the models that the zoo ships, which need Keras.
    """

    def __init__(self, store: Store, pool: Pool, trainings: Trainings, play: Pool):
        self.store, self.pool, self.trainings, self.play = store, pool, trainings, play
        self.bodies = Bodies()
        self.guard: Guard  # it stands around all this

    # Pages

    async def index(self, request: Request) -> Response:
        return self.guard.admit(request) or FileResponse(PAGES / "index.html")

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(description(self.routes()))

    # Classifiers

    async def list_classifiers(self, request: Request) -> Response:
        """The classifiers that can be asked, the files named at the start first."""
        given = [{"id": name, "name": file.stem} for name, file in self.store.files.items()]
        made = [project.summary() for project in self.store.projects()]
        trained = [{"id": item["id"], "name": item["name"]} for item in made if item["trained"]]
        return JSONResponse([*given, *trained])

    async def describe(self, request: Request) -> Response:
        """What a classifier tells apart, and how good it was measured to be."""
        return JSONResponse((await self.pool.run("describe", **self.model(request.path_params["id"]))).values)

    async def predict(self, request: Request) -> Response:
        """What a photo shows. The body is the photo's bytes; the answer is as `zoo predict --json` has it.

        Query:
            classifier: its id; without it, the first file named at the start, or else what was made last
            top: how many classes, 5
        """
        photo = await self.bodies.photo(request)
        values = self.model(request.query_params.get("classifier", ""))
        answer = await self.pool.run("predict", photo, top=whole(request, "top", 5, 1, 1000), **values)
        return JSONResponse(answer.values)

    async def explain(self, request: Request) -> Response:
        """Where in a photo a classifier looks, as a JPEG. The body is the photo's bytes.

        Query:
            classifier: as for /predict
            label: what is explained; without it, the most probable class
        """
        photo = await self.bodies.photo(request)
        values = self.model(request.query_params.get("classifier", ""))
        answer = await self.pool.run("explain", photo, seconds=LONG, label=request.query_params.get("label"), **values)
        return Response(answer.data, media_type="image/jpeg")

    async def download(self, request: Request) -> Response:
        """A classifier as a file: `keras`, `html` (one page that runs anywhere) or `onnx`."""
        name, ending = request.path_params["id"], request.path_params["ending"]
        if ending not in EXPORTS:
            raise MissingError(f"there is no such format; there are {', '.join(EXPORTS)}.")
        file = self.store.classifier(name)
        called = file.stem if name in self.store.files else self.store.project(name).facts()["name"]
        if ending == "keras":
            return FileResponse(file, filename=f"{called}.keras", media_type=EXPORTS[ending])
        out = self.temporary(called, ending)
        await self.pool.run("export", seconds=LONG, file=str(file), out=str(out))
        return self.passing(out, filename=f"{called}.{ending}", media_type=EXPORTS[ending])

    async def report(self, request: Request) -> Response:
        """The page on a classifier: how good it is, what it gets wrong, where it looks."""
        project = self.project(request)
        out, file = self.temporary("report", "html"), str(self.store.classifier(project.id))
        await self.pool.run("report", seconds=LONG, file=file, folder=str(project.photos), out=str(out))
        return self.passing(out, headers={"content-security-policy": REPORT}, media_type="text/html")

    # Projects

    async def list_projects(self, request: Request) -> Response:
        """All projects, the newest first."""
        return JSONResponse([project.summary() for project in self.store.projects()])

    async def create(self, request: Request) -> Response:
        """Begin a project. The body is its name."""
        return JSONResponse(self.store.create(await self.words(request)).facts(), 201)

    async def show(self, request: Request) -> Response:
        """A project: its boxes, their photos, what its classifier was measured to be, and whether one is trained."""
        project = self.project(request)
        return JSONResponse({**project.facts(), "training": self.trainings.is_running(project)})

    async def rename(self, request: Request) -> Response:
        """Call a project otherwise. The body is its name."""
        project = self.project(request)
        project.rename(await self.words(request))
        return JSONResponse(project.facts())

    async def remove(self, request: Request) -> Response:
        """Remove a project with its photos and its classifier."""
        self.trainings.stop(self.project(request))
        self.store.remove(request.path_params["id"])
        return JSONResponse({})

    async def add_box(self, request: Request) -> Response:
        """Add a box, a class. The body is its name; where it is there already, nothing changes."""
        return JSONResponse({"name": self.project(request).add_box(await self.words(request))}, 201)

    async def rename_box(self, request: Request) -> Response:
        """Call a box otherwise. The body is its new name."""
        name = self.project(request).rename_box(request.path_params["box"], await self.words(request))
        return JSONResponse({"name": name})

    async def remove_box(self, request: Request) -> Response:
        """Remove a box with its photos."""
        self.project(request).remove_box(request.path_params["box"])
        return JSONResponse({})

    async def add_photo(self, request: Request) -> Response:
        """Put a photo into a box. The body is the photo's bytes: JPEG, PNG, WebP or GIF."""
        project, box = self.project(request), request.path_params["box"]
        photo = await self.bodies.photo(request)
        project.box(box)
        project.check_room(len(photo))
        seen = await self.pool.run("look", photo)
        return JSONResponse({"photo": project.add_photo(box, photo, seen.values["ending"], seen.data)}, 201)

    async def move_photo(self, request: Request) -> Response:
        """Move a photo to another box. The body is that box' name."""
        path = request.path_params
        self.project(request).move_photo(path["box"], path["photo"], await self.words(request))
        return JSONResponse({})

    async def remove_photo(self, request: Request) -> Response:
        """Remove a photo from a box."""
        self.project(request).remove_photo(request.path_params["box"], request.path_params["photo"])
        return JSONResponse({})

    async def thumbnail(self, request: Request) -> Response:
        """A photo, small, as a JPEG."""
        file = self.project(request).thumbnail(request.path_params["photo"])
        return FileResponse(file, headers={"cache-control": "private, max-age=3600"}, media_type="image/jpeg")

    async def heat(self, request: Request) -> Response:
        """Where in a photo of the project its classifier looks, as a JPEG."""
        path, project = request.path_params, self.project(request)
        photo = project.photo(path["box"], path["photo"]).read_bytes()
        answer = await self.pool.run("explain", photo, seconds=LONG, **self.model(project.id))
        return Response(answer.data, media_type="image/jpeg")

    async def findings(self, request: Request) -> Response:
        """What would harm a classifier of the photos in the boxes."""
        project = self.project(request)
        if project.is_empty():
            return JSONResponse([])
        return JSONResponse((await self.pool.run("examine", seconds=LONG, folder=str(project.photos))).values)

    async def train(self, request: Request) -> Response:
        """Make the classifier. What becomes of it, /api/projects/{id}/training tells."""
        self.trainings.start(self.project(request))
        return JSONResponse({}, 202)

    async def stop(self, request: Request) -> Response:
        """Stop making it."""
        self.trainings.stop(self.project(request))
        return JSONResponse({})

    async def training(self, request: Request) -> Response:
        """How far it is, as server-sent events with `state`, `progress` and `error`."""
        training = self.trainings.of.get(self.project(request).id)
        if training is None:
            raise MissingError("nothing is being trained here.")
        return StreamingResponse(training.events(), media_type="text/event-stream")

    # What the zoo ships

    async def chat(self, request: Request) -> Response:
        """An answer of the chatbot's to the body, a line of text."""
        return JSONResponse((await self.play.run("chat", text=await self.words(request))).values)

    async def write(self, request: Request) -> Response:
        """How a text goes on; the body is its beginning.

        Query:
            temperature: 0 to 2, how surprising; 0.8
        """
        temperature = number(request, "temperature", 0.8, 0, 2)
        text = await self.words(request)
        return JSONResponse((await self.play.run("write", text=text, temperature=temperature)).values)

    async def draw(self, request: Request) -> Response:
        """Sixteen pictures of clothes that do not exist, as a PNG.

        Query:
            seed: the same one draws the same; 0
            truncation: 0.2 to 3, the less, the more ordinary; 1
        """
        seed, truncation = whole(request, "seed", 0, 0, 2**31), number(request, "truncation", 1, 0.2, 3)
        answer = await self.play.run("draw", seed=seed, truncation=truncation)
        return Response(answer.data, media_type="image/png")

    async def similar(self, request: Request) -> Response:
        """The words nearest to one, or what is to `instead` as `word` is to `without`.

        Query:
            word: a word
            without: a word
            instead: a word
        """
        one, without, instead = (request.query_params.get(name, "")[:100] for name in ("word", "without", "instead"))
        return JSONResponse((await self.play.run("words", one=one, without=without, instead=instead)).values)

    async def list_studies(self, request: Request) -> Response:
        """What the zoo's studies asked, and what they came to."""
        kept = [{"name": each.name, "question": each.question, "words": each.words} for each in kept_outcomes()]
        return JSONResponse(kept)

    async def figure(self, request: Request) -> Response:
        """The figure of a study, as a PNG."""
        figures = {each.name: each.figure for each in kept_outcomes()}
        if request.path_params["name"] not in figures:
            raise MissingError("there is no such study.")
        return FileResponse(figures[request.path_params["name"]], media_type="image/png")

    # What they share

    def routes(self) -> list[Route]:
        project, box = "/api/projects/{id}", "/api/projects/{id}/boxes/{box}"
        table: list[tuple[str, str, Callable]] = [
            ("GET", "/", self.index),
            ("GET", "/openapi.json", self.openapi),
            ("POST", "/predict", self.predict),
            ("POST", "/explain", self.explain),
            ("GET", "/api/classifiers", self.list_classifiers),
            ("GET", "/api/classifiers/{id}", self.describe),
            ("GET", "/api/classifiers/{id}/file.{ending}", self.download),
            ("GET", "/api/projects", self.list_projects),
            ("POST", "/api/projects", self.create),
            ("GET", project, self.show),
            ("PUT", project, self.rename),
            ("DELETE", project, self.remove),
            ("GET", f"{project}/report", self.report),
            ("GET", f"{project}/findings", self.findings),
            ("GET", f"{project}/training", self.training),
            ("POST", f"{project}/training", self.train),
            ("DELETE", f"{project}/training", self.stop),
            ("GET", f"{project}/thumbnails/{{photo}}", self.thumbnail),
            ("POST", f"{project}/boxes", self.add_box),
            ("PUT", box, self.rename_box),
            ("DELETE", box, self.remove_box),
            ("POST", f"{box}/photos", self.add_photo),
            ("PUT", f"{box}/photos/{{photo}}", self.move_photo),
            ("DELETE", f"{box}/photos/{{photo}}", self.remove_photo),
            ("GET", f"{box}/photos/{{photo}}/heat", self.heat),
            ("POST", "/api/chat", self.chat),
            ("POST", "/api/write", self.write),
            ("GET", "/api/draw", self.draw),
            ("GET", "/api/words", self.similar),
            ("GET", "/api/studies", self.list_studies),
            ("GET", "/api/studies/{name}/figure", self.figure),
        ]
        return [Route(path, function, methods=[method]) for method, path, function in table]

    def app(self) -> Starlette:
        handlers: dict[Any, Any] = {ZooError: say_why, DeniedError: say_why, HTTPException: say_why, OSError: disk}
        static = Mount("/static", StaticFiles(directory=PAGES))
        return Starlette(routes=[*self.routes(), static], exception_handlers=handlers)

    def project(self, request: Request) -> Project:
        return self.store.project(request.path_params["id"])

    def model(self, name: str) -> dict[str, Any]:
        file = self.store.classifier(name)
        return {"file": str(file), "version": file.stat().st_mtime_ns}

    async def words(self, request: Request) -> str:
        return (await self.bodies.read(request, TEXT)).decode("utf-8", "replace")

    def temporary(self, name: str, ending: str) -> Path:
        folder = self.store.scratch / "exports"
        folder.mkdir(exist_ok=True)
        return folder / f"{''.join(c for c in name if c.isalnum()) or 'classifier'}-{secrets.token_hex(4)}.{ending}"

    def passing(self, file: Path, **how: Any) -> FileResponse:
        """A file that is removed once it was sent."""
        return FileResponse(file, background=BackgroundTask(file.unlink, missing_ok=True), **how)


async def say_why(request: Request, error: Exception) -> Response:
    """An error as a status and a sentence."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    status = (
        error.status
        if isinstance(error, DeniedError)
        else next(status for kind, status in STATUS.items() if isinstance(error, kind))
    )
    headers = {"connection": "close"} if isinstance(error, DeniedError) else None  # a body may still be on its way
    return JSONResponse({"error": printable(str(error), 600)}, status, headers)


async def disk(request: Request, error: Exception) -> Response:
    note(f"zoo app: {error}")
    return JSONResponse({"error": "the disk cannot be read or written; the terminal says more."}, 507)


def number(request: Request, name: str, usual: float, least: float, most: float) -> float:
    """A number of the address, within bounds."""
    try:
        value = float(request.query_params.get(name, usual))
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise UsageError(f"{name} is a number from {least:g} to {most:g}.")
    return value


def whole(request: Request, name: str, usual: int, least: int, most: int) -> int:
    return int(number(request, name, usual, least, most))


def description(routes: list[Route]) -> dict:
    """The API as OpenAPI has it, from the routes' docstrings."""
    paths: dict[str, dict] = {}
    for route in routes:
        if not route.endpoint.__doc__:
            continue
        about, _, query = inspect.cleandoc(route.endpoint.__doc__).partition("\n\nQuery:\n")
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in route.param_convertors
        ]
        for line in query.splitlines():
            name, _, words = line.strip().partition(": ")
            parameters.append({"name": name, "in": "query", "description": words, "schema": {"type": "string"}})
        (method,) = (route.methods or set()) - {"HEAD"}
        operation: dict[str, Any] = {
            "summary": about.partition(". ")[0].replace("\n", " "),
            "description": about,
            "parameters": parameters,
            "responses": {
                "200": {"description": "done"},
                "default": {"description": "why not", "content": {"application/json": {"schema": ERROR}}},
            },
        }
        if "body is" in about or "the body" in about:
            kind = "application/octet-stream" if "photo's bytes" in about else "text/plain"
            operation["requestBody"] = {"required": True, "content": {kind: {}}}
        paths.setdefault(route.path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "zoo studio", "version": __version__},
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }


ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
