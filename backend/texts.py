"""What the service says to people, by stable code, in Chinese (the default) and English."""

from flask import has_request_context, request

LANGUAGES = ("zh", "en")

TEXTS: dict[str, tuple[str, str]] = {
    "ok": ("成功", "OK"),
    "healthy": ("API服务运行正常", "The API is up"),
    "registered": ("注册成功", "Registered"),
    "logged_in": ("登录成功", "Logged in"),
    "logged_out": ("退出成功", "Logged out"),
    "password_changed": ("成功修改密码", "Password changed"),
    "task_created": ("生成任务已创建", "Generation task created"),
    "task_queued": ("任务排队中", "Task is waiting"),
    "task_processing": ("任务处理中", "Task is being processed"),
    "task_completed": ("任务完成", "Task completed"),
    "task_failed": ("任务失败", "Task failed"),
    "invalid_request": ("请求参数不合规", "The request is not valid"),
    "malformed_body": ("请求数据格式错误", "The body is not valid JSON"),
    "unauthenticated": ("鉴权失败", "Authentication failed"),
    "token_missing": ("鉴权失败：缺少令牌", "Authentication failed: no token"),
    "token_invalid": ("鉴权失败：令牌无效", "Authentication failed: the token is not valid"),
    "token_expired": ("鉴权失败：令牌已过期", "Authentication failed: the token has expired"),
    "token_revoked": ("鉴权失败：令牌已失效", "Authentication failed: the token was revoked"),
    "login_failed": ("账号或密码错误", "Wrong account or password"),
    "forbidden": ("没有权限", "Not allowed"),
    "wrong_password": ("旧密码不正确", "The old password is not right"),
    "not_found": ("资源不存在", "Not found"),
    "method_not_allowed": ("不支持该请求方法", "Method not allowed"),
    "conflict": ("与现有数据冲突", "This contradicts what is there already"),
    "account_taken": ("账号已存在", "This account name is taken"),
    "email_taken": ("邮箱已被注册", "This e-mail address is taken"),
    "too_large": ("请求体过大", "The body is too large"),
    "unsupported_media_type": ("不支持的内容类型", "Unsupported content type"),
    "unavailable": ("服务暂不可用，请稍后重试", "Temporarily unavailable, please try again"),
    "internal_error": ("服务器内部错误", "Internal server error"),
    "worker_lost": ("多次执行均被中断，任务已放弃", "The worker died several times while it ran this task"),
    "generation_failed": ("生成失败", "The generation failed"),
    "model_unavailable": ("模型不可用", "The model cannot be loaded"),
    "out_of_memory": ("显存不足", "The device ran out of memory"),
    "storage_failed": ("结果无法保存", "The result could not be stored"),
}


def language() -> str:
    """The request's language: `zh` unless Accept-Language prefers English."""
    if not has_request_context():
        return LANGUAGES[0]
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def say(code: str) -> str:
    """The text of a code in the request's language."""
    return TEXTS[code][LANGUAGES.index(language())]
