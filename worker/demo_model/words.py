"""The English words of the built-in model: what a caption may call each thing, and how it joins them."""

KINDS: dict[str, tuple[str, ...]] = {
    "circle": ("circle", "circle", "circle", "ball", "disc", "dot"),
    "square": ("square", "square", "square", "box", "block"),
    "triangle": ("triangle",),
    "diamond": ("diamond", "diamond", "rhombus"),
    "star": ("star",),
    "heart": ("heart",),
    "cross": ("cross", "cross", "plus", "plus sign"),
    "moon": ("moon", "moon", "crescent", "crescent moon"),
    "house": ("house", "house", "house", "home", "hut"),
    "tree": ("tree",),
    "sun": ("sun",),
    "car": ("car", "car", "car", "automobile", "auto"),
    "boat": ("boat", "boat", "ship", "sailboat", "sailing boat"),
    "fish": ("fish",),
}
NAMELESS = ("shape", "object", "thing", "figure")
COLOURS: dict[str, tuple[str, ...]] = {"grey": ("grey", "gray"), "purple": ("purple", "purple", "violet")}
SIZES: dict[str, tuple[str, ...]] = {
    "small": ("small", "small", "tiny", "little"),
    "large": ("large", "large", "big", "huge"),
}
CENTRES = ("in the centre", "in the center", "in the middle", "at the center")
COLUMNS = {
    "left": ("on the left", "on the left", "on the left side", "at the left", "left"),
    "right": ("on the right", "on the right", "on the right side", "at the right", "right"),
}
HEIGHTS = {
    "top": ("at the top", "at the top", "on top", "top"),
    "bottom": ("at the bottom", "at the bottom", "bottom"),
}
CORNERS = (
    "in the {height} {column}",
    "in the {height} {column}",
    "at the {height} {column}",
    "in the {height} {column} corner",
    "{height} {column}",
)
RELATIONS: dict[str, tuple[str, ...]] = {
    "left": ("to the left of", "to the left of", "left of", "on the left of", "on the left side of"),
    "right": ("to the right of", "to the right of", "right of", "on the right of", "on the right side of"),
    "above": ("above", "above", "over", "on top of"),
    "below": ("below", "below", "under", "beneath", "underneath"),
    "inside": ("inside", "inside", "in", "within", "inside of", "in the middle of"),
    "loose": ("next to", "beside", "and", "and", "with"),
}
# The same with the second named first.
ASIDE: dict[str, tuple[str, ...]] = {
    "left": ("{second} with {first} to its left", "{second} with {first} on its left"),
    "right": ("{second} with {first} to its right", "{second} with {first} on its right"),
    "above": ("{second} with {first} above it", "{second} with {first} over it", "{second} below {first}"),
    "below": ("{second} with {first} below it", "{second} with {first} under it", "{second} above {first}"),
    "inside": ("{second} with {first} inside", "{second} containing {first}", "{second} around {first}"),
    "loose": ("{first} and {second}",),
}
BOTH: dict[str, tuple[str, ...]] = {
    "left": ("{first} on the left and {second} on the right", "{first} left, {second} right"),
    "right": ("{first} on the right and {second} on the left", "{second} on the left, {first} on the right"),
    "above": ("{first} at the top and {second} at the bottom", "{first} at the top, {second} below"),
    "below": ("{first} at the bottom and {second} at the top", "{second} at the top, {first} below"),
    "inside": ("{first} is inside {second}", "{first} placed inside {second}"),
    "loose": ("{first}, {second}",),
}
ROWS = (
    "{0}, {1} and {2}",
    "{0}, {1} and {2}",
    "{0}, {1}, {2}",
    "{0} and {1} and {2}",
    "{0}, {1} and {2} in a row",
    "{0}, {1} and {2} side by side",
    "{0}, {1} and {2} from left to right",
    "from left to right {0}, {1}, {2}",
    "{0} next to {1} next to {2}",
    "{1} between {0} and {2}",
    "{0} on the left, {1} in the middle, {2} on the right",
)
BACKGROUNDS = (
    "{scene} on a {colour} background",
    "{scene} on a {colour} background",
    "{scene} on {colour} background",
    "{scene} against a {colour} background",
    "{scene} in front of a {colour} background",
    "{scene} with a {colour} background",
    "{scene}, {colour} background",
    "{scene} on a plain {colour} background",
    "{scene} on {colour}",
    "a {colour} background with {scene}",
    "{colour} background, {scene}",
    "on a {colour} background {scene}",
)
SCENES: dict[str, tuple[str, ...]] = {
    "night": (
        "in the night sky", "at night", "under the stars", "in a starry night", "on a night sky background",
        "with a starry sky", "against the night sky",
    ),
    "meadow": (
        "on a meadow", "in a green meadow", "on the meadow", "in the grass", "on the grass", "on a meadow background",
        "on a green field", "on the lawn",
    ),
    "beach": (
        "on the beach", "at the beach", "on a sandy beach", "by the sea", "at the seaside", "on the sand",
        "on a beach background", "by the ocean",
    ),
    "snow": (
        "in the snow", "on the snow", "on a snowy field", "in a snowy landscape", "on a snow background", "in winter",
        "in the white snow",
    ),
}  # fmt: skip
SCENE_NAMES: dict[str, tuple[str, ...]] = {
    "night": ("night sky", "night", "starry sky"),
    "meadow": ("meadow", "green meadow", "grass"),
    "beach": ("beach", "sandy beach", "seaside"),
    "snow": ("snow", "snowy field", "snowy landscape"),
}
MOTIONS: dict[str, tuple[str, ...]] = {
    "left": (
        "moving left", "moving left", "moving to the left", "moves left", "moves to the left", "going left",
        "sliding to the left", "travelling left", "moving leftwards", "move left",
    ),
    "right": (
        "moving right", "moving right", "moving to the right", "moves right", "moves to the right", "going right",
        "sliding to the right", "travelling right", "moving rightwards", "move right",
    ),
    "up": (
        "moving up", "moving up", "going up", "rising", "moves up", "moving upwards", "flying up", "climbing",
        "move up",
    ),
    "down": (
        "moving down", "moving down", "going down", "falling", "moves down", "moving downwards", "sinking",
        "falling down", "move down",
    ),
    "rotate": ("rotating", "rotating", "spinning", "turning", "rotates", "spins", "turning around", "rotate"),
    "grow": (
        "growing", "growing", "getting bigger", "getting larger", "grows", "growing bigger", "becoming bigger", "grow",
    ),
    "shrink": ("shrinking", "shrinking", "getting smaller", "shrinks", "becoming smaller", "shrink"),
    "bounce": ("bouncing", "bouncing", "bounces", "jumping", "jumping up and down", "hopping", "bounce", "jumps"),
}  # fmt: skip
OPENINGS = (
    "a picture of", "a drawing of", "an image of", "a painting of", "a photo of", "an illustration of", "picture of",
    "draw", "there is", "show me", "i want", "please draw",
)  # fmt: skip
MOVING_OPENINGS = ("a video of", "an animation of", "a clip of", "video of")
# They join or soften others, or name what every picture is.
JOINING = (
    "the", "it", "one", "two", "three", "is", "are", "its", "of", "this", "that", "corner", "side", "front", "colour",
    "color", "coloured", "colored", "scene", "centered", "please", "by", "for", "from", "background", "both",
)  # fmt: skip
# Sentences lean on them, but they are not worth a piece of their own, nor a warning.
SMALL_WORDS = (
    "as", "be", "been", "being", "can", "create", "draw", "drawn", "each", "every", "generate", "has", "have", "having",
    "he", "her", "his", "into", "let", "make", "my", "onto", "or", "our", "paint", "painted", "please", "she", "shown",
    "so", "some", "that", "their", "them", "then", "there", "these", "they", "those", "to", "was", "we", "were",
    "where", "which", "while", "who", "will", "would", "you", "your",
)  # fmt: skip
# Words that prompts often bring along: pieces of their own, which the model has learnt to pass over.
FILLER_LINES = (
    "masterpiece best quality high highly detailed minimalist minimalistic flat design simple vector art digital",
    "beautiful pretty sharp clean realistic photorealistic cute bright cartoon professional photography studio",
    "lighting bad low blurry ugly style watermark text worst deformed dark light portrait cinematic artstation",
    "trending noise anime render rendered resolution shiny soft old new young amazing stunning epic fantasy",
    "dramatic vibrant colorful colourful elegant intricate detail details focus depth shot close wide angle view",
    "concept character logo icon sticker poster wallpaper sketch watercolor oil pencil pixel abstract geometric",
    "modern vintage retro cat dog man woman person people child girl boy face hand eye eyes hair dress hat bird",
    "horse rabbit bear lion tiger dragon butterfly flower flowers rose leaf apple banana cake food coffee cup table",
    "chair bed room door window street road bridge city town village castle tower building forest mountain hill",
    "river lake water rain cloud clouds storm fire smoke planet space rocket robot plane airplane train bus bicycle",
    "bike truck ring line lines letter number rectangle oval hexagon pentagon arrow spiral cube sphere pyramid",
    "glass metal wood stone gold golden silver turquoise cyan magenta teal beige lime very really happy sad smiling",
    "standing sitting running walking holding wearing looking playing sleeping eating fluffy round wooden ancient",
    "magical glowing no without not",
)
FILLERS = tuple(word for line in FILLER_LINES for word in line.split())
