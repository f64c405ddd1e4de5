"""Posts in bulk: given, changed and ended as one by one, with one look at who is signed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import models, transaction

from accounts.models import User
from audit.row_actions import add_rows, change_rows, record_rows
from grids import permissions, selectors
from grids.models import Post


@transaction.atomic
def give_posts(posts: Sequence[Post], *, actor: Any) -> None:
    """Give many posts; their holders' sessions end, because what they may do has changed."""
    add_rows(posts, verb="post.assigned", actor=actor, words=lambda post: post.role)
    _access_changed(posts, actor)


@transaction.atomic
def change_terms(changed: Sequence[tuple[Post, str, str]], *, actor: Any) -> None:
    """Write the terms of posts that the caller has locked."""
    change_rows(changed, fields=("valid_from", "valid_to"), verb="post.term_changed", actor=actor)
    _access_changed([post for post, _, _ in changed], actor)


@transaction.atomic
def end_posts(posts: Sequence[Post], *, actor: Any) -> None:
    """End posts at once: both days of a term count, so a post that ends now ended yesterday."""
    today = selectors.today()
    for post in posts:
        post.valid_to, post.valid_from = today - timedelta(days=1), min(post.valid_from, today)
    fields = ("valid_from", "valid_to")
    change_rows([(post, post.role, "") for post in posts], fields=fields, verb="post.ended", actor=actor)
    _access_changed(posts, actor)


def _access_changed(posts: Iterable[Post], actor: Any) -> None:
    people = list(User.objects.filter(pk__in={post.user_id for post in posts}))
    User.objects.filter(pk__in=[person.pk for person in people]).update(session_version=models.F("session_version") + 1)
    record_rows(verb="account.sessions_ended", rows=[(person, "", "") for person in people], actor=actor)
    for person in people:
        permissions.forget(person)
