"""Better prompts, by a provider of the caller's."""

from backend.api.v1 import api
from backend.api.v1.schemas.prompts import EnhancedPrompt, PromptToEnhance
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.prompts import Enhanced
from backend.wiring import services
from shared.errors import ProviderFailed


@api.route(
    "POST",
    "/prompts/enhance",
    caller=Caller.USER,
    body=PromptToEnhance,
    returns=EnhancedPrompt,
    limits=("generate",),
    errors=(ProviderFailed,),
)
def enhance_prompt(user: Account, body: PromptToEnhance) -> Enhanced:
    """Have the chat model of a provider improve a prompt."""
    return services().prompts.enhance(user.id, body.prompt, body.api_name, body.language)
