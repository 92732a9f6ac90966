"""The Chinese words of the built-in model: what a caption may call each thing, and how it joins them."""

KINDS: dict[str, tuple[str, ...]] = {
    "circle": ("圆形", "圆形", "圆", "圆圈", "圆点", "球"),
    "square": ("正方形", "正方形", "方块", "方形"),
    "triangle": ("三角形", "三角形", "三角"),
    "diamond": ("菱形",),
    "star": ("星星", "星星", "五角星", "星形"),
    "heart": ("心形", "爱心", "心"),
    "cross": ("十字", "十字形", "加号"),
    "moon": ("月亮", "月亮", "月牙", "弯月"),
    "house": ("房子", "房子", "房屋", "屋子"),
    "tree": ("树", "树", "树木"),
    "sun": ("太阳",),
    "car": ("汽车", "汽车", "车", "车子", "轿车"),
    "boat": ("船", "帆船", "船只"),
    "fish": ("鱼", "鱼", "鱼儿"),
}
NAMELESS = ("图形", "物体", "东西", "形状")
MEASURES: dict[str, tuple[str, ...]] = {
    "star": ("颗", "个"),
    "heart": ("颗", "个"),
    "moon": ("个", "轮"),
    "sun": ("个", "轮"),
    "house": ("座", "间", "栋", "个"),
    "tree": ("棵",),
    "car": ("辆",),
    "boat": ("艘", "条", "只"),
    "fish": ("条",),
}
MEASURE = ("个",)
COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("红色", "红"),
    "green": ("绿色", "绿"),
    "blue": ("蓝色", "蓝"),
    "yellow": ("黄色", "黄"),
    "orange": ("橙色", "橙", "橘色", "橘黄色"),
    "purple": ("紫色", "紫"),
    "pink": ("粉色", "粉", "粉红色"),
    "brown": ("棕色", "棕", "褐色"),
    "black": ("黑色", "黑"),
    "white": ("白色", "白"),
    "grey": ("灰色", "灰"),
}
SIZES: dict[str, tuple[str, ...]] = {"small": ("小", "小小"), "large": ("大", "巨大")}
PLACES: dict[tuple[str, str], tuple[str, ...]] = {
    ("centre", "centre"): ("中间", "中央", "正中间", "中心", "画面中央"),
    ("left", "centre"): ("左边", "左侧", "左面", "画面左侧"),
    ("right", "centre"): ("右边", "右侧", "右面", "画面右侧"),
    ("centre", "top"): ("顶部", "上方", "上面", "上部"),
    ("centre", "bottom"): ("底部", "下方", "下面", "下部"),
    ("left", "top"): ("左上角", "左上方", "左上角"),
    ("right", "top"): ("右上角", "右上方", "右上角"),
    ("left", "bottom"): ("左下角", "左下方", "左下角"),
    ("right", "bottom"): ("右下角", "右下方", "右下角"),
}
PLACED = (
    "{noun}在{where}",
    "{noun}位于{where}",
    "{where}有{noun}",
    "{where}是{noun}",
    "{where}的{noun}",
    "{noun}，{where}",
)
RELATIONS: dict[str, tuple[str, ...]] = {
    "left": ("左边", "的左边", "左侧", "的左侧", "左面", "的左方"),
    "right": ("右边", "的右边", "右侧", "的右侧", "右面", "的右方"),
    "above": ("上方", "的上方", "上面", "的上面", "上边", "之上"),
    "below": ("下方", "的下方", "下面", "的下面", "下边", "之下"),
    "inside": ("里面", "的里面", "里", "内", "内部", "的内部", "当中", "中间"),
    "loose": ("旁边", "的旁边"),
}
# The first lies so to the second, the second so to the first.
OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}
CLAUSES = (
    "{first}在{second}{where}",
    "{first}在{second}{where}",
    "{first}位于{second}{where}",
    "{second}{where}有{first}",
    "{second}{where}是{first}",
)
NOUN = "{second}{where}的{first}"
BOTH: dict[str, tuple[str, ...]] = {
    "left": ("左边是{first}，右边是{second}", "{first}在左边，{second}在右边"),
    "right": ("右边是{first}，左边是{second}", "{first}在右边，{second}在左边"),
    "above": ("上面是{first}，下面是{second}", "{first}在上方，{second}在下方"),
    "below": ("下面是{first}，上面是{second}", "{first}在下方，{second}在上方"),
    "inside": ("{second}包含着{first}", "{second}，里面是{first}"),
}
TOGETHER = ("{first}和{second}", "{first}和{second}", "{first}与{second}", "{first}、{second}")
ROW_NOUNS = ("{0}、{1}和{2}", "{0}、{1}、{2}")
ROW_CLAUSES = (
    "{0}，{1}，{2}",
    "{0}、{1}、{2}排成一排",
    "{0}、{1}和{2}并排",
    "从左到右：{0}、{1}、{2}",
    "从左到右依次是{0}、{1}和{2}",
    "左边是{0}，中间是{1}，右边是{2}",
    "{1}在{0}和{2}之间",
)
BACKGROUND_AHEAD = ("{colour}背景上的{scene}", "{colour}背景上的{scene}", "{colour}背景中的{scene}")
BACKGROUND_APART = (
    "{scene}，{colour}背景",
    "{scene}，背景是{colour}",
    "{scene}，{colour}的背景",
    "{colour}背景，{scene}",
    "{colour}背景上，{scene}",
    "在{colour}背景上，{scene}",
    "背景为{colour}，{scene}",
)
SCENES: dict[str, tuple[str, ...]] = {
    "night": ("夜空下", "夜空中", "星空下", "夜晚", "夜里", "夜色中"),
    "meadow": ("草地上", "草坪上", "绿色草地上", "草原上", "草丛中"),
    "beach": ("海滩上", "沙滩上", "海边", "沙滩边"),
    "snow": ("雪地里", "雪地上", "雪中", "雪地中", "雪景里"),
}
SCENE_NAMES: dict[str, tuple[str, ...]] = {
    "night": ("夜空", "星空", "夜晚"),
    "meadow": ("草地", "绿草地", "草原"),
    "beach": ("海滩", "沙滩", "海边"),
    "snow": ("雪地", "雪景", "雪"),
}
SCENE_AHEAD = ("{place}的{scene}", "{place}的{scene}", "{place}有{scene}", "{scene}在{place}")
SCENE_APART = (
    "{place}，{scene}",
    "{scene}，{name}背景",
    "{scene}，背景是{name}",
    "{scene}，在{place}",
    "{name}，{scene}",
)
MOTIONS: dict[str, tuple[str, ...]] = {
    "left": ("向左移动", "向左移动", "往左移动", "向左走", "左移", "朝左边移动", "向左滑动"),
    "right": ("向右移动", "向右移动", "往右移动", "向右走", "右移", "朝右边移动", "向右滑动"),
    "up": ("向上移动", "向上移动", "往上移动", "上升", "上移", "升起", "向上飞"),
    "down": ("向下移动", "向下移动", "往下移动", "下降", "下移", "落下", "下落"),
    "rotate": ("旋转", "旋转", "转动", "转圈", "自转"),
    "grow": ("变大", "变大", "放大", "越来越大", "长大"),
    "shrink": ("变小", "变小", "缩小", "越来越小"),
    "bounce": ("弹跳", "弹跳", "跳动", "上下跳动", "蹦跳", "跳跃"),
}
MOVING = ("{0}{1}", "{0}{1}", "{0}正在{1}", "{0}，{1}", "{0}慢慢{1}", "{0}逐渐{1}", "{0}在{1}")
OPENINGS = ("画", "请画", "一张图片：", "一幅画：", "图中有", "画面上有", "生成", "一张图：", "我想要")
MOVING_OPENINGS = ("一段视频：", "一段动画：", "视频中")
# They join others, or name what every picture is.
JOINING = (
    "的", "一", "个", "只", "条", "三", "在", "是", "有", "和", "与", "位于", "着", "地", "正在", "慢慢", "为", "图片",
    "图画", "图", "画", "上", "下", "左", "右", "中", "里", "边", "背景", "画面", "一张", "一幅", "一段", "一个", "请",
    "向", "往", "移动", "方向", "角", "面", "侧",
)  # fmt: skip
SOFTENING = ("两", "了", "这", "那", "都", "一起", "颜色", "纯色", "它", "并", "并且", "运动", "这个", "那个")
# Sentences lean on them, but they are not worth a piece of their own, nor a warning.
SMALL_WORDS = (
    "把",
    "被",
    "让",
    "会",
    "能",
    "很",
    "也",
    "及",
    "以及",
    "还",
    "还有",
    "而",
    "且",
    "吧",
    "吗",
    "呢",
    "啊",
    "给",
)
# Words that prompts often bring along, which the model has learnt to pass over.
FILLERS = (
    "高清", "精美", "杰作", "最佳质量", "简约风格", "卡通", "可爱", "逼真", "插画", "极简", "漂亮", "细节丰富",
    "低质量", "模糊", "猫", "狗", "人物", "城市", "山", "花", "鸟", "电影感", "光影", "水印", "文字", "丑", "女孩",
    "男孩", "老人", "孩子", "森林", "河流", "云", "雨", "飞机", "火车", "自行车", "机器人", "苹果", "蛋糕", "桌子",
    "椅子", "兔子", "老虎", "龙", "蝴蝶", "玫瑰", "金色", "银色", "青色", "透明", "发光", "美丽", "梦幻", "水彩",
    "油画", "动漫", "写实", "现代", "古代", "未来", "城堡", "建筑", "街道", "快乐", "微笑", "没有", "不要",
)  # fmt: skip
