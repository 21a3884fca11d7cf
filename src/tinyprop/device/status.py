"""What the status of an answer means, in the words of tp_strerror."""

SENTENCES = {
    -1: "a pointer is null: pass the model, the sample and the result",
    -2: "the memory is too small or misaligned: declare it as the generated NAME_memory type",
    -3: "the label is not a class of this network: labels run from 0 to outputs - 1",
    -4: "an input, target, parameter, output or loss is NaN or infinite: check the sensor or lower the learning rate",
    -5: "the learning rate is negative, NaN or infinite: pass a finite value of 0 or more",
    -6: "the model is not initialised: call tp_init first",
    -7: "the loss learns the other kind of truth: labels are for tp_train_step, targets for tp_train_target",
    -30: "the flash's geometry or the place of the slots cannot be: see tp_flash and tp_checkpoint in tp_checkpoint.h",
    -31: "the flash failed or does not read back what was written: check the driver, or the flash is worn out",
    -32: "no slot holds a whole checkpoint of this program: it starts from its initial weights",
    -40: "the request is of another version of the line: host and device need the same",
    -41: "the device knows no such session: it has started anew, or another host has opened one",
    -42: "the request is out of turn: open a session anew",
    -43: "the device does not know this request, or it has not the size it should",
    -44: "that is outside of what can be written or read, or not at a whole word or unit",
    -45: "this firmware has no checkpoints, or was not built with TP_LINK_PUSH=1",
    -50: "a setting of the guard is out of its range: see tp_guard_settings in tp_guard.h",
    -51: "what was learned made the model worse: it is as it was when it was last saved",
}


def sentence(status: int) -> str:
    """In the words of the device."""
    return SENTENCES.get(status, f"the device answered with status {status}, which this tinyprop does not know")
