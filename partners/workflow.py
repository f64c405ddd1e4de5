"""The rules of partners as tables: categories, life-cycle words and units. No database, no web."""

from django.db.models import TextChoices


class Category(TextChoices):
    """The five categories of partners (五类合伙人)."""

    PROPERTY = "property", "物业"
    DEPARTMENT = "department", "部门"
    WELFARE = "welfare", "公益"
    RESIDENT = "resident", "居民"
    BUSINESS = "business", "商业"


class Standing(TextChoices):
    """Where a partner stands in its engagement."""

    PROSPECT = "prospect", "意向"
    ACTIVE = "active", "合作中"
    SUSPENDED = "suspended", "暂停"
    EXITED = "exited", "已退出"


class DepartmentGroup(TextChoices):
    """The systems into which a district sorts its departments."""

    PARTY = "party", "党委系统"
    CONGRESS = "congress", "人大政协法检"
    GOVERNMENT = "government", "政府部门"
    INSTITUTION = "institution", "事业单位"
    MASS = "mass", "群团组织"
    VERTICAL = "vertical", "垂直管理单位"
    STATE_FIRM = "state_firm", "国有企业"


class UnitKind(TextChoices):
    """In what a resource is counted."""

    SEAT = "seat", "座位"
    TRIP = "trip", "车次"
    PERSON_SESSION = "person_session", "人次时段"
    TEAM_SESSION = "team_session", "队次时段"
    QUOTA_PER_DAY = "quota_per_day", "每日名额"
    STOCK_ITEM = "stock_item", "实物件数"
    VENUE_SLOT = "venue_slot", "场地时段"


class ResourceStatus(TextChoices):
    """Whether a resource may be asked for."""

    OPEN = "open", "可约"
    PAUSED = "paused", "暂停"
    RETIRED = "retired", "停用"


class MemberRole(TextChoices):
    """What a person does for a partner; both are rows of the table of roles."""

    DEPARTMENT_LIAISON = "department_liaison", "联络员"
    PARTNER_STAFF = "partner_staff", "合伙人工作人员"
