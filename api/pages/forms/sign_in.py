"""The sign-in page. Whoever sent a form without a session is told, and shown what they wrote."""

from __future__ import annotations

from fastapi import Request, Response

from api.errors import Unauthorized
from api.pages.context import PageContext
from api.pages.forms.base import Field, Form, new_key
from api.pages.visitor import way_back


def sign_in_form(context: PageContext) -> Form:
    """Who somebody is, and the password."""
    t = context.words
    return Form(
        do="sign_in",
        title=t("sign_in.title"),
        submit=t("sign_in.submit"),
        fields=(
            Field("user", "line", t("fields.user"), required=True, autocomplete="username"),
            Field(
                "password",
                "password",
                t("fields.password"),
                required=True,
                autocomplete="current-password",
            ),
        ),
        key=new_key(),
        always_open=True,
    )


def sign_in_page(
    context: PageContext,
    request: Request,
    form: Form,
    back: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    written: tuple[Field, ...] = (),
    unsent: bool = False,
) -> Response:
    """The page, leading `back` afterwards; `written` goes with it until somebody has signed in."""
    return context.page(
        request,
        "sign_in",
        status=status,
        headers=headers,
        form=form,
        back=way_back(back),
        written=written,
        unsent=unsent,
    )


def nothing_was_sent(
    context: PageContext, request: Request, back: str, written: tuple[Field, ...]
) -> Response:
    """The answer to a form that came after its session had ended."""
    form = sign_in_form(context)
    return sign_in_page(
        context, request, form, back, status=Unauthorized.status, written=written, unsent=True
    )
