"""What is wrong with a field, by stable code, in Chinese and English; `{blanks}` are filled with the problem's facts.

The codes are pydantic's own where it finds the problem, else the service's.
"""

from collections import defaultdict

from backend.texts import LANGUAGES, language
from shared.errors import FieldProblem

UNKNOWN = "invalid_value"

PROBLEMS: dict[str, tuple[str, str]] = {
    UNKNOWN: ("取值无效", "is not valid"),
    "missing": ("必填", "is required"),
    "extra_forbidden": ("未知字段", "is not a known field"),
    "string_type": ("必须是字符串", "must be a string"),
    "string_too_short": ("至少 {min_length} 个字符", "must have at least {min_length} characters"),
    "string_too_long": ("最多 {max_length} 个字符", "must have at most {max_length} characters"),
    "string_pattern_mismatch": ("格式不正确", "does not have the right form"),
    "int_type": ("必须是整数", "must be a whole number"),
    "int_parsing": ("必须是整数", "must be a whole number"),
    "int_from_float": ("必须是整数", "must be a whole number"),
    "int_parsing_size": ("数值过大", "is too large a number"),
    "float_type": ("必须是数字", "must be a number"),
    "float_parsing": ("必须是数字", "must be a number"),
    "finite_number": ("必须是有限的数字", "must be a finite number"),
    "bool_type": ("必须是布尔值", "must be true or false"),
    "bool_parsing": ("必须是布尔值", "must be true or false"),
    "list_type": ("必须是数组", "must be a list"),
    "too_short": ("至少 {min_length} 项", "must have at least {min_length} items"),
    "too_long": ("最多 {max_length} 项", "must have at most {max_length} items"),
    "model_type": ("必须是 JSON 对象", "must be a JSON object"),
    "model_attributes_type": ("必须是 JSON 对象", "must be a JSON object"),
    "dict_type": ("必须是 JSON 对象", "must be a JSON object"),
    "enum": ("必须是 {expected} 之一", "must be one of {expected}"),
    "literal_error": ("必须是 {expected} 之一", "must be one of {expected}"),
    "greater_than": ("必须大于 {gt}", "must be greater than {gt}"),
    "greater_than_equal": ("必须不小于 {ge}", "must be at least {ge}"),
    "less_than": ("必须小于 {lt}", "must be less than {lt}"),
    "less_than_equal": ("必须不大于 {le}", "must be at most {le}"),
    "datetime_type": ("必须是 ISO 8601 时间", "must be an ISO 8601 time"),
    "datetime_parsing": ("必须是 ISO 8601 时间", "must be an ISO 8601 time"),
    "datetime_from_date_parsing": ("必须是 ISO 8601 时间", "must be an ISO 8601 time"),
    "bad_moment": ("必须是 ISO 8601 时间", "must be an ISO 8601 time"),
    "blank": ("不能为空白", "must have text in it"),
    "nul": ("不能包含 NUL 字符", "must not contain NUL"),
    "bad_email": ("不是有效的邮箱地址", "is not a valid e-mail address"),
    "misleading_name": (
        "必须由可打印字符组成，不含 @，首尾没有空格",
        "must be printable, without @ and without spaces at its ends",
    ),
    "out_of_range": ("必须在 {min} 到 {max} 之间", "must be between {min} and {max}"),
    "odd": ("必须是偶数", "must be an even number"),
    "unknown_model": ("必须是 {choices} 之一", "must be one of {choices}"),
    "unsupported_kind": ("没有模型支持 {kind}", "no model makes {kind}"),
    "model_lacks_kind": ("该模型不支持 {kind}", "this model does not make {kind}"),
    "unknown_sampling_method": ("必须是 {choices} 之一", "must be one of {choices}"),
    "unknown_lora": ("必须是 {choices} 之一", "must be one of {choices}"),
    "named_twice": ("重复", "is named twice"),
    "prompt_blocked": ("包含不允许的内容", "asks for what is not allowed here"),
    "priority_reserved": ("只有管理员可以使用该优先级", "is for administrators only"),
    "unknown_provider": ("没有该名称的 API", "none of your API keys has this name"),
    "provider_lacks_kind": ("模型服务商不支持 {kind}", "a provider does not make {kind}"),
    "not_for_providers": ("不适用于模型服务商", "does not apply to a provider"),
    "not_applicable": ("{kind} 任务没有该参数", "does not apply to {kind}"),
    "images_missing": ("{kind} 任务需要参考图片", "{kind} needs a reference image"),
    "images_unexpected": ("{kind} 任务不使用参考图片", "{kind} takes no reference images"),
    "images_too_many": ("该模型最多使用 {max} 张参考图片", "this model takes at most {max} reference images"),
    "image_unknown": ("参考图片不存在", "there is no such image"),
    "not_an_image": ("不是图片", "is not a picture"),
    "fetch_refused": ("该地址不允许访问", "this address may not be fetched"),
    "unresolvable": ("该地址无法解析", "this address leads nowhere"),
    "fetch_failed": ("无法获取该地址的图片", "the picture cannot be fetched from this address"),
    "image_undecodable": ("图片无法解码", "the picture cannot be decoded"),
    "image_type_mismatch": ("图片内容是 {found}，与声明的类型不符", "the picture is {found}, not what its type says"),
    "image_too_many_pixels": ("图片最多 {max} 百万像素", "the picture may have at most {max} megapixels"),
    "is_instance_of": ("必须是文件", "must be a file"),
    "file_missing": ("没有上传文件", "no file came with the request"),
    "file_ambiguous": ("一次只能上传一个文件", "more than one file came with the request"),
    "bad_cursor": ("游标无效", "is not a cursor of this list"),
    "exactly_one": ("必须且只能给出 {fields} 之一", "needs exactly one of {fields}"),
    "exclusive": ("不能与 {other} 同时使用", "cannot be used together with {other}"),
    "unknown_parent": ("父节点不存在", "there is no such parent"),
    "parent_not_folder": ("父节点不是文件夹", "the parent is not a folder"),
    "parent_ambiguous": (
        "parent_id 与 parent_temp_id 必须且只能有一个",
        "exactly one of parent_id and parent_temp_id must be given",
    ),
    "duplicate_temp_id": ("temp_id 重复", "is used twice"),
    "cycle": ("父子关系构成循环", "the parents form a circle"),
    "too_deep": ("层级过深，最多 {max} 层", "is nested too deep: at most {max} levels"),
    "bad_name": (
        "不能为空白、首尾不能有空格、不能包含 / 或控制字符",
        "must have text in it, no spaces at its ends, no / and no control characters",
    ),
    "name_taken": ("该文件夹中已有同名内容", "is the name of something in this folder already"),
    "already_favorite": ("该文件已在收藏夹中", "is in the favourites already"),
    "url_required": ("文件节点必须有 refer_url", "a file node needs a refer_url"),
    "url_unexpected": ("文件夹节点没有 refer_url", "a folder node has no refer_url"),
    "unknown_url": ("必须是自己的生成结果或上传文件", "must be one of your own results or uploads"),
    "root_fixed": ("根节点不能修改", "the root cannot be changed"),
    "bad_base_url": (
        "必须是 http 或 https 地址，不含用户名、密码、参数和片段",
        "must be an http or https url without user name, password, query and fragment",
    ),
    "key_needed": ("更换服务商地址时必须重新填写密钥", "is needed again for another machine"),
    "host_refused": ("该地址不允许访问", "is not on the open internet and not one of the providers that are allowed"),
    "host_unknown": ("无法解析该地址", "names a machine that cannot be found"),
    "not_the_same": ("两次输入不一致", "was not typed the same way twice"),
    "nothing_to_change": ("没有要修改的内容", "nothing to change was given"),
}


def tell(problem: FieldProblem, tongue: str = "") -> str:
    """The problem's text in this language, or in the request's."""
    text = PROBLEMS.get(problem.code, PROBLEMS[UNKNOWN])[LANGUAGES.index(tongue or language())]
    return text.format_map(defaultdict(lambda: "…", problem.facts))
