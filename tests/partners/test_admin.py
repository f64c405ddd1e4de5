"""The contact's number in the admin: entered and replaced there, sealed in the table, and seen only masked."""

from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from partners.models import Partner, Resource, ResourceType
from tests.admin_forms import sent

pytestmark = pytest.mark.django_db

FIRST, SECOND, LANDLINE = "19900001234", "19900005678", "05390000001"


@pytest.fixture
def keeper(pool, client):
    """The system administrator's browser."""
    client.force_login(pool.town.system_admin, backend="accounts.backends.PhoneOrNameBackend")
    return client


@pytest.fixture(params=[Partner, Resource], ids=lambda model: model.__name__)
def row(request, pool):
    """A partner and then a resource, with the first number."""
    found = pool.departments[0] if request.param is Partner else pool.resources[0]
    found.contact_phone = FIRST
    found.save()
    return found


def page_of(row, page="change"):
    """Return the address of the row's form, or that of an empty one."""
    return reverse(f"admin:partners_{row._meta.model_name}_{page}", args=[row.pk] if page == "change" else [])


def form_of(keeper, row, **changed):
    """Return what the browser sends when the row's form is left as it is."""
    return sent(keeper.get(page_of(row)), **changed)


def stored(row):
    """Return what lies in the column."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT contact_phone FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def number_of(row):
    """Return the number as read anew."""
    return type(row).objects.get(pk=row.pk).contact_phone


@pytest.mark.parametrize("name", ["resource", "resourceslot"])
def test_the_pool_is_filtered_by_fields_of_work_that_have_something_below(name, pool, keeper):
    resource = pool.resources[0]
    above = ResourceType.objects.create(code="T1", name="法律服务")
    ResourceType.objects.filter(pk=resource.type_id).update(parent=above)
    address = reverse(f"admin:partners_{name}_changelist")
    specs = keeper.get(address).context["cl"].filter_specs
    offered = next(spec for spec in specs if spec.title == "上级类型").lookup_choices
    assert (str(above.pk), "法律服务") in offered
    assert str(resource.type_id) not in dict(offered)


def test_the_form_shows_the_mask_and_never_the_number(row, keeper):
    page = keeper.get(page_of(row)).content.decode()
    assert "199****1234" in page
    assert FIRST not in page
    assert 'name="new_phone"' in page
    assert 'name="contact_phone"' not in page
    assert FIRST not in keeper.get(reverse(f"admin:partners_{row._meta.model_name}_changelist")).content.decode()
    assert keeper.get(page_of(row, "add")).status_code == 200


def test_a_typed_number_is_sealed_in_the_place_of_the_old_one(row, keeper):
    before = stored(row)
    answer = keeper.post(page_of(row), form_of(keeper, row, new_phone="199 0000-5678", name="改名"), follow=True)
    assert answer.redirect_chain, answer.context["adminform"].errors
    assert SECOND not in answer.content.decode()
    assert number_of(row) == SECOND
    assert stored(row).startswith("v1|")
    assert stored(row) != before
    page = keeper.get(page_of(row)).content.decode()
    assert "199****5678" in page
    assert SECOND not in page


def test_an_empty_entry_keeps_the_number(row, keeper):
    before = stored(row)
    assert keeper.post(page_of(row), form_of(keeper, row, name="改名")).status_code == 302
    assert type(row).objects.get(pk=row.pk).name == "改名"
    assert (number_of(row), stored(row)) == (FIRST, before)


@pytest.mark.parametrize("typed", ["1990000567", "199000056789", "12345", "找老王", "1990000567x", "0000001"])
def test_what_is_no_number_is_refused_next_to_its_entry(row, keeper, typed):
    answer = keeper.post(page_of(row), form_of(keeper, row, new_phone=typed))
    assert answer.status_code == 200
    assert "请看看" in str(answer.context["adminform"].form.errors["new_phone"])
    assert FIRST not in answer.content.decode()
    assert number_of(row) == FIRST


def test_a_landline_with_its_area_code_is_taken(row, keeper):
    assert keeper.post(page_of(row), form_of(keeper, row, new_phone="（0539）0000001")).status_code == 302
    assert number_of(row) == LANDLINE


def test_a_new_row_is_made_with_its_number(pool, keeper):
    data = {"category": "business", "name": "新店", "code": "NEW-1", "status": "active", "area": pool.town.community.pk,
            "department-TOTAL_FORMS": 0, "department-INITIAL_FORMS": 0, "new_phone": SECOND}  # fmt: skip
    answer = keeper.post(reverse("admin:partners_partner_add"), data)
    assert answer.status_code == 302, answer.context["adminform"].errors
    made = Partner.objects.get(code="NEW-1")
    assert made.contact_phone == SECOND
    assert stored(made).startswith("v1|")
    assert SECOND not in stored(made)
