"""What can go wrong, each with its data. The service and the command line map these once, in one place."""


class RagError(Exception):
    """Base of all errors that a user can mend; its text says what was wrong and what to do."""

    status = 500  # what the HTTP service answers
    title = "Internal error"


class InvalidInput(RagError):
    """A question, a document or a setting that cannot be taken."""

    status = 422
    title = "Invalid input"


class NotFound(RagError):
    """An id that nothing has."""

    status = 404
    title = "Not found"


class Conflict(RagError):
    """A document id that is taken by other content."""

    status = 409
    title = "Conflict"


class Busy(RagError):
    """Another writer holds the record; trying again later helps."""

    status = 503
    title = "Busy"


class StorageFailed(RagError):
    """The record cannot be read or written just now, as on a full disk; trying again helps once there is space."""

    status = 503
    title = "Storage failed"


class IndexMismatch(RagError):
    """The vectors on disk were made with another model, analyzer or chunker."""

    status = 503
    title = "Index does not fit"


class Damaged(RagError):
    """A file on disk is not what the manifest says."""

    status = 503
    title = "Index damaged"
