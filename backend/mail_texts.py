"""The mails of the service in the request's language, as text and as HTML."""

from html import escape

from backend.services.codes import LIFE_SECONDS, Purpose
from backend.services.mail import Mail
from backend.texts import LANGUAGES, language

SERVICE = "Darkroom"
MINUTES = LIFE_SECONDS // 60

SUBJECTS: dict[Purpose, tuple[str, str]] = {
    Purpose.REGISTER: (f"{SERVICE} 注册验证码", f"Your code to sign up for {SERVICE}"),
    Purpose.PASSWORD_RESET: (f"{SERVICE} 重置密码验证码", f"Your code to reset your {SERVICE} password"),
    Purpose.EMAIL_CHANGE: (f"{SERVICE} 修改邮箱验证码", f"Your code to change your {SERVICE} e-mail address"),
}
REASONS: dict[Purpose, tuple[str, str]] = {
    Purpose.REGISTER: (
        f"您正在用此邮箱注册 {SERVICE} 账号，验证码为：",
        f"somebody is signing up for {SERVICE} with this address. The code is:",
    ),
    Purpose.PASSWORD_RESET: (
        f"您正在重置 {SERVICE} 账号的密码，验证码为：",
        f"somebody has asked to reset the password of your {SERVICE} account. The code is:",
    ),
    Purpose.EMAIL_CHANGE: (
        f"您正在把 {SERVICE} 账号的邮箱修改为此邮箱，验证码为：",
        f"somebody wants to use this address for their {SERVICE} account. The code is:",
    ),
}
GREETING = ("您好：", "Hello,")
VALIDITY = (
    f"验证码 {MINUTES} 分钟内有效，只能使用一次，请勿告诉他人。",
    f"It works once and within {MINUTES} minutes. Do not pass it on.",
)
UNASKED = (
    "如果这不是您本人的操作，请忽略本邮件，您的账号不会有任何变化。",
    "If you did not ask for it, ignore this mail: nothing changes.",
)
HTML = """<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family: sans-serif; line-height: 1.5; color: #222222">
<p>{greeting}</p>
<p>{reason}</p>
<p style="font-size: 28px; font-weight: bold; letter-spacing: 6px">{code}</p>
<p>{validity}<br>{unasked}</p>
</body>
</html>
"""


def code_mail(purpose: Purpose, address: str, code: str) -> Mail:
    """The mail that brings a code to an address."""
    spoken = LANGUAGES.index(language())
    subject, reason = SUBJECTS[purpose][spoken], REASONS[purpose][spoken]
    greeting, validity, unasked = GREETING[spoken], VALIDITY[spoken], UNASKED[spoken]
    parts = {"subject": subject, "greeting": greeting, "reason": reason, "validity": validity, "unasked": unasked}
    return Mail(
        to=address,
        code=code,
        subject=subject,
        text=f"{greeting}\n\n{reason}\n\n    {code}\n\n{validity}\n{unasked}\n",
        html=HTML.format(language=LANGUAGES[spoken], code=escape(code), **{k: escape(v) for k, v in parts.items()}),
    )
