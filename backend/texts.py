"""What the service says to people, by stable code, in Chinese (the default) and English."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from flask import has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

LANGUAGES = ("zh", "en")
NOTHING: Mapping[str, Any] = MappingProxyType({})

TEXTS: dict[str, tuple[str, str]] = {
    "ok": ("成功", "OK"),
    "healthy": ("API服务运行正常", "The API is up"),
    "registered": ("注册成功", "Registered"),
    "logged_in": ("登录成功", "Logged in"),
    "logged_out": ("退出成功", "Logged out"),
    "code_sent": ("验证码已发送", "The code has been sent"),
    "code_right": ("验证码正确", "The code is right"),
    "api_created": ("API 创建成功", "API key created"),
    "api_changed": ("API 更新成功", "API key changed"),
    "api_deleted": ("API 删除成功", "API key deleted"),
    "api_works": ("API 可用", "The provider takes this API key"),
    "mail_sent": ("邮件已发送", "Mail sent"),
    "password_reset": ("成功重置密码", "Password reset"),
    "email_changed": ("成功修改邮箱", "E-mail address changed"),
    "uploaded": ("上传成功", "Uploaded"),
    "record_deleted": ("生成记录内容成功", "Record deleted"),
    "favorites_listed": ("成功获取收藏夹列表", "Favourites listed"),
    "favorite_created": ("成功创建新收藏内容", "Favourite created"),
    "favorites_created": ("批量创建成功", "Favourites created"),
    "favorite_changed": ("成功修改收藏夹内容", "Favourite changed"),
    "favorite_deleted": ("删除收藏夹内容成功", "Favourite deleted"),
    "trash_restored": ("已恢复", "Restored"),
    "trash_removed": ("已彻底删除", "Removed for good"),
    "trash_emptied": ("回收站已清空", "The trash is empty"),
    "account_erased": (
        "账号已注销，所有数据将在一小时内删除",
        "The account is closed; everything that it had is removed within the hour",
    ),
    "password_changed": ("成功修改密码", "Password changed"),
    "task_created": ("生成任务已创建", "Generation task created"),
    "unknown_words": (
        "模型不认识以下词语，已忽略：{words}",
        "The model does not know these words and passes over them: {words}",
    ),
    "task_queued": ("任务排队中", "Task is waiting"),
    "task_processing": ("任务处理中", "Task is being processed"),
    "picture_made": ("图像生成成功", "The picture is ready"),
    "picture_pending": ("图像生成中", "The picture is being made"),
    "task_completed": ("任务完成", "Task completed"),
    "task_failed": ("任务失败", "Task failed"),
    "task_cancelled": ("任务已取消", "Task cancelled"),
    "task_retried": ("任务已重新排队", "Task is queued again"),
    "invalid_request": ("请求参数不合规", "The request is not valid"),
    "malformed_body": ("请求数据格式错误", "The body is not valid JSON"),
    "unauthenticated": ("鉴权失败", "Authentication failed"),
    "token_missing": ("鉴权失败：缺少令牌", "Authentication failed: no token"),
    "token_invalid": ("鉴权失败：令牌无效", "Authentication failed: the token is not valid"),
    "token_expired": ("鉴权失败：令牌已过期", "Authentication failed: the token has expired"),
    "token_revoked": ("鉴权失败：令牌已失效", "Authentication failed: the token was revoked"),
    "link_invalid": ("链接签名无效", "The link's signature is not valid"),
    "link_expired": ("链接已过期", "The link has expired"),
    "login_failed": ("账号或密码错误", "Wrong account or password"),
    "account_disabled": ("账号已被管理员停用", "This account was disabled by an administrator"),
    "own_account": ("不能对自己的账号执行该操作", "This cannot be done to your own account"),
    "last_admin": ("至少需要保留一名管理员", "Another administrator has to be there first"),
    "takeout_running": ("正在导出数据，请稍后再试", "A take-out of yours is under way, please wait until it has ended"),
    "form_refused": ("表单已失效，请刷新页面后重试", "This form is no longer valid, please reload the page"),
    "forbidden": ("没有权限", "Not allowed"),
    "wrong_password": ("旧密码不正确", "The old password is not right"),
    "code_wrong": ("验证码错误或过期", "The code is wrong or has expired"),
    "account_unknown": ("用户不存在", "There is no such account"),
    "email_unknown": ("邮箱未注册", "No account has this e-mail address"),
    "not_found": ("资源不存在", "Not found"),
    "method_not_allowed": ("不支持该请求方法", "Method not allowed"),
    "conflict": ("与现有数据冲突", "This contradicts what is there already"),
    "account_taken": ("账号已存在", "This account name is taken"),
    "email_taken": ("邮箱已被注册", "This e-mail address is taken"),
    "new_email_taken": ("邮箱重复", "Another account has this e-mail address"),
    "idempotency_mismatch": (
        "该 Idempotency-Key 已用于其他请求",
        "This Idempotency-Key was used for another request",
    ),
    "not_retryable": ("只有失败或已取消的任务可以重试", "Only a failed or cancelled task can be tried again"),
    "still_running": ("任务尚未结束", "The task has not ended yet"),
    "name_taken": ("该文件夹中已有同名内容", "The folder has something of this name"),
    "already_favorite": ("该文件已在收藏夹中", "The file is in the favourites already"),
    "favorites_full": ("收藏夹已满", "The favourites are full"),
    "nothing_to_restore": (
        "无法恢复：内容已在收藏夹中，或其记录不存在、仍在回收站",
        "It cannot come back: it is in the favourites already, or its record is gone or in the trash itself",
    ),
    "quota_exceeded": (
        "存储空间不足：已用 {used} 字节，上限 {allowed} 字节（包括回收站）",
        "The storage quota does not allow this: {used} of {allowed} bytes are used, the trash included",
    ),
    "captcha_unknown": ("图形验证码不存在或已过期", "There is no such captcha, or it has expired"),
    "captcha_wrong": ("图形验证码错误", "Invalid captcha"),
    "api_name_taken": ("该名称的 API 已存在", "You have an API key of this name"),
    "api_keys_full": ("API 数量已达上限", "You have as many API keys as one may have"),
    "provider_failed": ("模型服务商请求失败", "The provider did not answer as it should"),
    "too_many_requests": ("请求过于频繁，请稍后再试", "Too many requests, please wait a moment"),
    "queue_full": (
        "排队任务过多：最多 {limit} 个，请稍后再试",
        "Too many of your tasks are waiting: at most {limit}, please try again later",
    ),
    "mail_failed": ("邮件发送失败", "The mail could not be sent"),
    "too_large": ("请求体过大", "The body is too large"),
    "range_not_satisfiable": ("请求的范围超出文件大小", "The file ends before the part that was asked for"),
    "unsupported_media_type": ("不支持的内容类型", "Unsupported content type"),
    "unavailable": ("服务暂不可用，请稍后重试", "Temporarily unavailable, please try again"),
    "user_not_created": ("用户创建失败", "Failed to create user"),
    "user_not_found": ("数据库查询错误", "Failed to create session"),
    "captcha_not_made": ("图形验证码生成失败", "Failed to generate captcha image"),
    "avatar_not_changed": ("更新头像失败", "The avatar could not be changed"),
    "avatar_not_read": ("查询头像失败", "The avatar could not be read"),
    "avatar_changed": ("头像更新成功", "Avatar changed"),
    "avatar_read": ("获取头像成功", "Avatar read"),
    "internal_error": ("服务器内部错误", "Internal server error"),
    "worker_lost": (
        "执行该任务的工作进程多次异常终止，任务已放弃",
        "Workers died several times while they ran this task, so it was given up",
    ),
    "generation_failed": ("生成失败", "The generation failed"),
    "model_unavailable": ("模型不可用", "The model cannot be loaded"),
    "out_of_memory": ("显存不足", "The device ran out of memory"),
    "device_broken": ("计算设备发生故障", "The device that computes has failed"),
    "reference_unreadable": ("参考图片无法读取", "A reference image cannot be read"),
    "lora_unavailable": ("LoRA 不可用", "A LoRA cannot be loaded"),
    "bad_picture": ("模型未能生成有效图片", "The model made no valid picture"),
    "content_refused": ("图片未通过模型的安全检查", "The model's safety checker refused the picture"),
    "kind_unsupported": ("该模型无法执行此类任务", "The model cannot do this kind of task"),
    "provider_gone": ("该 API 已被删除", "The API key was deleted"),
    "provider_timeout": ("模型服务商未在规定时间内响应", "The provider took too long"),
    "provider_unauthorised": ("模型服务商拒绝了该 API 密钥", "The provider does not accept this API key"),
    "provider_limited": ("模型服务商限流，请稍后再试", "The provider asks for fewer requests"),
    "provider_unavailable": ("无法连接模型服务商", "The provider is away"),
    "provider_rejected": ("模型服务商不接受该请求", "The provider does not accept this request"),
    "provider_garbage": ("模型服务商返回了无法识别的内容", "The provider's answer is not what its API promises"),
    "provider_refused": ("不允许访问该模型服务商的地址", "The provider leads to an address that may not be asked"),
    "provider_key_unreadable": ("API 密钥无法解密，请重新填写", "The API key cannot be read: please enter it again"),
    "storage_failed": ("结果无法保存", "The result could not be stored"),
}


def language() -> str:
    """The request's language: `zh` unless Accept-Language prefers English."""
    if not has_request_context():
        return LANGUAGES[0]
    return _preferred(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=256)
def _preferred(accepted: str) -> str:
    return parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES) or LANGUAGES[0]


def say(code: str, own: Mapping[str, tuple[str, str]] = NOTHING, facts: Mapping[str, Any] = NOTHING) -> str:
    """The text of a code in the request's language; a contract's `own` text comes before the one of all.

    `facts` are what it has blanks for.
    """
    return (own.get(code) or TEXTS[code])[LANGUAGES.index(language())].format_map(facts)
