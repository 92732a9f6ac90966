"""The request in words, as a user would write it, in English or in Chinese."""

from worker.demo_model.judging.asked import ROW, Request, Thing

PLACES = {
    "top left": "in the top left",
    "top": "at the top",
    "top right": "in the top right",
    "left": "on the left",
    "centre": "in the centre",
    "right": "on the right",
    "bottom left": "in the bottom left",
    "bottom": "at the bottom",
    "bottom right": "in the bottom right",
}
SCENERY = {"night": "in the night sky", "meadow": "on a meadow", "beach": "on the beach", "snow": "in the snow"}
RELATIONS = {
    "left": "to the left of",
    "right": "to the right of",
    "above": "above",
    "below": "below",
    "inside": "inside",
}
MOTIONS = {
    "left": "moving left",
    "right": "moving right",
    "up": "moving up",
    "down": "moving down",
    "rotate": "rotating",
    "grow": "growing",
    "shrink": "shrinking",
    "bounce": "bouncing",
}

KINDS_ZH = {
    "circle": ("个", "圆形"),
    "square": ("个", "正方形"),
    "triangle": ("个", "三角形"),
    "diamond": ("个", "菱形"),
    "star": ("颗", "星星"),
    "heart": ("颗", "心形"),
    "cross": ("个", "十字"),
    "moon": ("个", "月亮"),
    "house": ("座", "房子"),
    "tree": ("棵", "树"),
    "sun": ("个", "太阳"),
    "car": ("辆", "汽车"),
    "boat": ("艘", "船"),
    "fish": ("条", "鱼"),
}
COLOURS_ZH = {
    "red": "红色",
    "green": "绿色",
    "blue": "蓝色",
    "yellow": "黄色",
    "orange": "橙色",
    "purple": "紫色",
    "pink": "粉色",
    "brown": "棕色",
    "black": "黑色",
    "white": "白色",
    "grey": "灰色",
}
SIZES_ZH = {"small": "小的", "large": "大的"}
PLACES_ZH = {
    "top left": "左上角",
    "top": "上方",
    "top right": "右上角",
    "left": "左边",
    "centre": "中间",
    "right": "右边",
    "bottom left": "左下角",
    "bottom": "下方",
    "bottom right": "右下角",
}
SCENERY_ZH = {"night": "夜空下", "meadow": "草地上", "beach": "海滩上", "snow": "雪地里"}
RELATIONS_ZH = {"left": "左边", "right": "右边", "above": "上方", "below": "下方", "inside": "里面"}
MOTIONS_ZH = {
    "left": "向左移动",
    "right": "向右移动",
    "up": "向上移动",
    "down": "向下移动",
    "rotate": "旋转",
    "grow": "变大",
    "shrink": "变小",
    "bounce": "弹跳",
}


def english(request: Request) -> str:
    """Such as "a small red circle in the top left on a black background"."""
    nouns = [_noun(thing) for thing in request.things]
    if request.relation is None:
        said = " ".join([nouns[0], *(PLACES[thing.place] for thing in request.things if thing.place)])
    elif request.relation == ROW:
        said = f"{', '.join(nouns[:-1])} and {nouns[-1]}"
    else:
        said = f"{nouns[0]} {RELATIONS[request.relation]} {nouns[1]}"
    if request.motion is not None:
        said = f"{said} {MOTIONS[request.motion]}"
    plain = f"on {_article(request.background)} background"
    return f"{said} {SCENERY.get(request.background, plain)}"


def chinese(request: Request) -> str:
    """Such as 白色背景上的一个红色的圆形."""
    nouns = [_noun_zh(thing) for thing in request.things]
    behind = SCENERY_ZH.get(request.background) or f"{COLOURS_ZH[request.background]}背景上"
    if request.motion is not None:
        return f"{behind}，{nouns[0]}{MOTIONS_ZH[request.motion]}"
    if request.relation is None:
        place = request.things[0].place
        return f"{behind}，{PLACES_ZH[place]}有{nouns[0]}" if place else f"{behind}的{nouns[0]}"
    if request.relation == ROW:
        return f"{behind}的{'、'.join(nouns[:-1])}和{nouns[-1]}"
    return f"{behind}，{nouns[0]}在{nouns[1]}的{RELATIONS_ZH[request.relation]}"


def _noun(thing: Thing) -> str:
    return _article(" ".join(word for word in (thing.size, thing.colour, thing.kind) if word))


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _noun_zh(thing: Thing) -> str:
    measure, kind = KINDS_ZH[thing.kind]
    return f"一{measure}{SIZES_ZH[thing.size] if thing.size else ''}{COLOURS_ZH[thing.colour]}的{kind}"
