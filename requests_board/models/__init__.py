"""Tables of the request board: what people need, and what is done about it."""

from requests_board.models.allocations import Allocation
from requests_board.models.catalogue import (
    DeclineReason,
    DispatchPolicy,
    NotAcceptedReason,
    RequestCategory,
)
from requests_board.models.needs import ResourceRequest
from requests_board.models.requests import RequestEcho, RequestPhoto, ServiceRequest
from requests_board.models.runs import DispatchRun
from requests_board.models.traces import SystemFeedback

__all__ = [
    "Allocation",
    "DeclineReason",
    "DispatchPolicy",
    "DispatchRun",
    "NotAcceptedReason",
    "RequestCategory",
    "RequestEcho",
    "RequestPhoto",
    "ResourceRequest",
    "ServiceRequest",
    "SystemFeedback",
]
