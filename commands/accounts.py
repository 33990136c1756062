"""People who sign in, and tokens of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.shared import database_here, fail
from records.session import system, transaction

if TYPE_CHECKING:
    pass

user = typer.Typer(help="People who sign in.")
token = typer.Typer(help="Tokens of programs that use the API.")


@user.command("add")
def user_add(
    user_id: str,
    name: Annotated[str, typer.Option(help="how the person is shown")],
    office: Annotated[str, typer.Option(help="an office of the register")],
    role: Annotated[str, typer.Option(help="a role of access.toml, as coordinator")],
) -> None:
    """Add a person to an office; asks for a password. The first to join holds the post."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    from datetime import UTC, datetime

    import rulefiles
    from api.accounts import AccountWrong, add_user, seed_offices
    from settings import settings_here

    book = rulefiles.read_rules(settings_here().rules_dir)
    try:
        with database_here() as database, transaction(database, system("command")) as connection:
            seed_offices(connection, book)
            add_user(
                connection,
                book,
                user_id=user_id,
                name=name,
                office=office,
                role=role,
                at=datetime.now(UTC),
                password=password,
            )
    except AccountWrong as wrong:
        raise fail(str(wrong)) from None
    print(f"{user_id} works in {office} as {role}.")


@token.command("new")
def token_new(
    user_id: str,
    office: Annotated[str, typer.Option(help="one of the user's offices")],
    days: Annotated[int, typer.Option(help="how long it counts")] = 90,
    label: Annotated[str, typer.Option(help="what it is for")] = "",
) -> None:
    """Make a token for the API. It is shown once and kept nowhere."""
    from datetime import UTC, datetime

    from api.accounts import AccountWrong, make_token

    try:
        with database_here() as database, transaction(database, system("command")) as connection:
            issued = make_token(
                connection,
                user_id=user_id,
                office=office,
                at=datetime.now(UTC),
                days=days,
                label=label,
            )
    except AccountWrong as wrong:
        raise fail(str(wrong)) from None
    print(issued.token)


@token.command("revoke")
def token_revoke(prefix: str) -> None:
    """End a token at once."""
    from datetime import UTC, datetime

    from records import tokens

    with database_here() as database, transaction(database, system("command")) as connection:
        revoked = tokens.revoke(connection, prefix, datetime.now(UTC))
    if not revoked:
        raise fail("There is no such token, or it was ended before.")
    print("Revoked.")
