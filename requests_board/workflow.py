"""The life of requests, resource requests and allocations as tables. No database, no web.

Who may take a step is written as `kind:right`, several separated by `|`:
`place:` a post that reaches the row's place, `partner:` a membership of the row's partner,
`link` the holder of the row's own link, `engine` the dispatch engine or the clock.
"""

from django.db.models import TextChoices

from common.workflow import Step

HANDLE = "place:handle_request"
ASK = "place:request_resource"
ANSWER = "partner:answer_allocation|link"
EVALUATE = "place:evaluate_allocation"
EITHER_SIDE = "partner:answer_allocation|place:evaluate_allocation"
DISTRICT = "place:settle_at_district"
ENGINE = "engine"


class RequestStatus(TextChoices):
    """The states of a resident's request (诉求工单)."""

    SUBMITTED = "submitted", "待受理"
    NOT_ACCEPTED = "not_accepted", "不予受理"
    ACCEPTED = "accepted", "已受理待派"
    ASSIGNED = "assigned", "已派待签收"
    IN_PROGRESS = "in_progress", "办理中"
    RESOLVED = "resolved", "已办结待回访"
    REOPENED = "reopened", "重办"
    CLOSED = "closed", "已归档"
    WITHDRAWN = "withdrawn", "已撤回"


R = RequestStatus
SUBMIT = Step("request.submitted", (), R.SUBMITTED, "link", "created_at")
NOT_ACCEPT = Step("request.not_accepted", (R.SUBMITTED,), R.NOT_ACCEPTED, HANDLE, "closed_at")
ACCEPT = Step("request.accepted", (R.SUBMITTED,), R.ACCEPTED, HANDLE, "accepted_at")
SOLVE_ON_SPOT = Step("request.solved_on_spot", (R.SUBMITTED,), R.RESOLVED, HANDLE, "resolved_at")
ASSIGN = Step("request.assigned", (R.ACCEPTED, R.REOPENED), R.ASSIGNED, HANDLE, "assigned_at")
RECALL = Step("request.recalled", (R.ASSIGNED, R.IN_PROGRESS), R.ACCEPTED, HANDLE)
RETURN = Step("request.returned", (R.ASSIGNED,), R.ACCEPTED, f"partner:answer_allocation|{HANDLE}")
ACKNOWLEDGE = Step(
    "request.acknowledged",
    (R.ASSIGNED,),
    R.IN_PROGRESS,
    f"partner:answer_allocation|{HANDLE}",
    "acknowledged_at",
)
RESOLVE = Step(
    "request.resolved",
    (R.IN_PROGRESS,),
    R.RESOLVED,
    f"partner:answer_allocation|{HANDLE}|engine",
    "resolved_at",
)
CONFIRM_OK = Step("request.confirmed", (R.RESOLVED,), R.CLOSED, f"link|{HANDLE}", "closed_at")
AUTO_CLOSE = Step("request.auto_closed", (R.RESOLVED,), R.CLOSED, ENGINE, "closed_at")
DISSATISFIED = Step("request.reopened", (R.RESOLVED,), R.REOPENED, f"link|{HANDLE}", "reopened_at")
FINAL_ANSWER = Step("request.finally_answered", (R.REOPENED,), R.CLOSED, HANDLE, "closed_at")
WITHDRAW = Step(
    "request.withdrawn", (R.SUBMITTED, R.ACCEPTED, R.IN_PROGRESS), R.WITHDRAWN, f"link|{HANDLE}", "closed_at"
)
REQUEST_STEPS = (
    NOT_ACCEPT, ACCEPT, SOLVE_ON_SPOT, ASSIGN, RECALL, RETURN, ACKNOWLEDGE, RESOLVE,
    CONFIRM_OK, AUTO_CLOSE, DISSATISFIED, FINAL_ANSWER, WITHDRAW,
)  # fmt: skip
REQUEST_OPEN = (R.SUBMITTED, R.ACCEPTED, R.ASSIGNED, R.IN_PROGRESS, R.RESOLVED, R.REOPENED)
# What still needs somebody's hands; a resolved request only waits for the resident's word.
REQUEST_TO_DO = (R.SUBMITTED, R.ACCEPTED, R.ASSIGNED, R.IN_PROGRESS, R.REOPENED)
REQUEST_TERMINAL = (R.NOT_ACCEPTED, R.CLOSED, R.WITHDRAWN)


class NeedStatus(TextChoices):
    """The states of a resource request (资源需求单)."""

    OPEN = "open", "待匹配"
    MATCHING = "matching", "匹配中"
    PROMISED = "promised", "已落实"
    FULFILLED = "fulfilled", "已服务待评价"
    AT_DISTRICT_DESK = "at_district_desk", "区级协调"
    CLOSED = "closed", "已归档"
    UNMET = "unmet", "未能满足"
    WITHDRAWN = "withdrawn", "已撤回"


N = NeedStatus
MATCH = Step("resource_request.matched", (N.OPEN,), N.MATCHING, ENGINE, "matched_at")
RELEASE = Step("resource_request.released", (N.MATCHING,), N.OPEN, ENGINE)
PROMISE = Step("resource_request.promised", (N.MATCHING,), N.PROMISED, ENGINE, "promised_at")
BREAK = Step("resource_request.broken", (N.PROMISED,), N.OPEN, ENGINE)
FULFIL = Step("resource_request.fulfilled", (N.PROMISED,), N.FULFILLED, ENGINE, "fulfilled_at")
CLOSE_NEED = Step("resource_request.closed", (N.FULFILLED,), N.CLOSED, ENGINE, "closed_at")
RAISE = Step("resource_request.raised", (N.OPEN,), N.AT_DISTRICT_DESK, ENGINE, "raised_at")
SETTLE = Step("resource_request.settled", (N.AT_DISTRICT_DESK,), N.MATCHING, DISTRICT)
GIVE_UP = Step("resource_request.given_up", (N.AT_DISTRICT_DESK,), N.UNMET, DISTRICT, "closed_at")
WITHDRAW_NEED = Step(
    "resource_request.withdrawn", (N.OPEN, N.MATCHING, N.AT_DISTRICT_DESK), N.WITHDRAWN, ASK, "closed_at"
)
NEED_STEPS = (
    MATCH, RELEASE, PROMISE, BREAK, FULFIL, CLOSE_NEED, RAISE, SETTLE, GIVE_UP, WITHDRAW_NEED,
)  # fmt: skip
NEED_TERMINAL = (N.CLOSED, N.UNMET, N.WITHDRAWN)


class AllocationStatus(TextChoices):
    """The states of an allocation (资源调配单)."""

    PROPOSED = "proposed", "打算，还没问"
    HELD = "held", "占用保留"
    DECLINED = "declined", "资源方谢绝"
    COUNTERED = "countered", "改期协商"
    CONFIRMED = "confirmed", "已确认"
    IN_SERVICE = "in_service", "服务中"
    DELIVERED = "delivered", "已送达待评价"
    NO_SHOW = "no_show", "未履约"
    CLOSED = "closed", "已归档"
    CANCELLED = "cancelled", "已取消"
    EXPIRED = "expired", "超时释放"


A = AllocationStatus
HOLD = Step("allocation.held", (A.PROPOSED,), A.HELD, ENGINE, "held_at")
NO_CAPACITY = Step("allocation.no_capacity", (A.PROPOSED,), A.DECLINED, ENGINE, "answered_at")
MOVE = Step("allocation.moved", (A.PROPOSED,), A.PROPOSED, ENGINE)
DROP = Step("allocation.dropped", (A.PROPOSED,), A.CANCELLED, f"engine|{ASK}", "closed_at")
CONFIRM = Step("allocation.confirmed", (A.HELD,), A.CONFIRMED, ANSWER, "answered_at")
DECLINE = Step("allocation.declined", (A.HELD,), A.DECLINED, ANSWER, "answered_at")
COUNTER = Step("allocation.countered", (A.HELD,), A.COUNTERED, ANSWER, "answered_at")
ACCEPT_COUNTER = Step("allocation.counter_accepted", (A.COUNTERED,), A.CONFIRMED, EVALUATE)
REJECT_COUNTER = Step("allocation.counter_rejected", (A.COUNTERED,), A.DECLINED, EVALUATE)
EXPIRE = Step("allocation.expired", (A.HELD, A.COUNTERED), A.EXPIRED, ENGINE, "closed_at")
WITHDRAW_ASK = Step("allocation.ask_withdrawn", (A.HELD, A.COUNTERED), A.CANCELLED, ASK, "closed_at")
START = Step("allocation.started", (A.CONFIRMED,), A.IN_SERVICE, EITHER_SIDE, "started_at")
DELIVER = Step("allocation.delivered", (A.CONFIRMED, A.IN_SERVICE), A.DELIVERED, EITHER_SIDE, "delivered_at")
REPORT_NO_SHOW = Step("allocation.no_show", (A.CONFIRMED,), A.NO_SHOW, EVALUATE)
RESCHEDULE = Step("allocation.rescheduled", (A.NO_SHOW,), A.PROPOSED, EVALUATE)
CLOSE_NO_SHOW = Step("allocation.no_show_closed", (A.NO_SHOW,), A.CLOSED, EVALUATE, "closed_at")
EVALUATE_STEP = Step("allocation.evaluated", (A.DELIVERED,), A.CLOSED, EVALUATE, "closed_at")
AUTO_EVALUATE = Step("allocation.auto_evaluated", (A.DELIVERED,), A.CLOSED, ENGINE, "closed_at")
CANCEL = Step("allocation.cancelled", (A.CONFIRMED,), A.CANCELLED, EITHER_SIDE, "closed_at")
PREEMPT = Step("allocation.preempted", (A.CONFIRMED,), A.CANCELLED, DISTRICT, "closed_at")
ALLOCATION_STEPS = (
    HOLD, NO_CAPACITY, MOVE, DROP, CONFIRM, DECLINE, COUNTER, ACCEPT_COUNTER, REJECT_COUNTER, EXPIRE,
    WITHDRAW_ASK, START, DELIVER, REPORT_NO_SHOW, RESCHEDULE, CLOSE_NO_SHOW, EVALUATE_STEP, AUTO_EVALUATE,
    CANCEL, PREEMPT,
)  # fmt: skip
ALLOCATION_TERMINAL = (A.CLOSED, A.DECLINED, A.CANCELLED, A.EXPIRED)
# One of these at most stands for a need at a time.
ALLOCATION_LIVE = (A.PROPOSED, A.HELD, A.COUNTERED, A.CONFIRMED, A.IN_SERVICE, A.DELIVERED)
# In these states the slot's units count as used; a service that was rendered or missed keeps them.
HOLDS_CAPACITY = (A.HELD, A.COUNTERED, A.CONFIRMED, A.IN_SERVICE, A.DELIVERED, A.NO_SHOW, A.CLOSED)
# A department that let a need go by one of these is not asked again for the same need.
REFUSED = (A.DECLINED, A.EXPIRED, A.NO_SHOW, A.CANCELLED)


class Channel(TextChoices):
    """By which way a request came in."""

    QR = "qr", "扫码"
    WEB = "web", "网页"
    PHONE = "phone", "电话"
    VISIT = "visit", "上门或来访"
    DESK = "desk", "社区登记"
    IMPORT = "import", "外部系统"


class Severity(TextChoices):
    """How a request is to be taken: 一般性, 协调性, 突发性."""

    ROUTINE = "routine", "一般"
    COORDINATED = "coordinated", "需协调"
    URGENT = "urgent", "紧急"


class Rating(TextChoices):
    """What people say of the result; silence is its own answer and never counts as satisfied."""

    NONE = "none", "未评价"
    GOOD = "good", "满意"
    FAIR = "fair", "基本满意"
    POOR = "poor", "不满意"
