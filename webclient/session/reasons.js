// The server's sentences for people, in the language of this page. The server speaks English only; what is not known
// here, a later version's sentence above all, is said as it came.

import { t } from "../strings.js";

const WHO = "(?<who>.{1,128})";
const TIME = "(?<count>\\d+) (?<unit>second|minute|hour)s?";

// Each as the server says it, and the key of the sentence here. tests/tsgateway/test_sentences.py holds them together.
export const REASONS = [
  ["You may not use this desktop from here or at this time\\. Your session goes on; reference (?<reference>\\S+)\\.", "policy"],
  ["An administrator has disconnected this session\\. It goes on\\.", "disconnected.admin"],
  ["You have disconnected this session\\. It goes on\\.", "disconnected.own"],
  ["You have logged off\\.", "logoff.own"],
  ["An administrator has logged this session off\\.", "logoff.admin"],
  ["You have reset this session\\.", "reset.own"],
  ["An administrator has reset this session\\.", "reset.admin"],
  [`The session goes on; you were disconnected because it was not used for ${TIME}\\.`, "limit.idle"],
  [`The session goes on; you were disconnected because it was in use for ${TIME}, which is as long as it may be at a time\\.`, "limit.active"],
  [`The session was logged off because it was not used for ${TIME}\\.`, "limit.idle.end"],
  [`The session was logged off because it was in use for ${TIME}, which is as long as it may be at a time\\.`, "limit.active.end"],
  [`The session was logged off because nobody was connected for ${TIME}\\.`, "limit.disconnected"],
  ["Your invitation was taken back\\.", "invitation.back"],
  ["The invitation has expired, or was taken back\\.", "invitation.over"],
  ["The session you were invited to has ended\\.", "invitation.ended"],
  ["As many people as this invitation was for have used it\\.", "invitation.used"],
  ["You may not look on at this desktop from here or at this time\\.", "invitation.denied"],
  [`${WHO} is not connected now\\. The invitation is good while .+ is; try again later\\.`, "invitation.away"],
  [`${WHO} does not allow it\\.`, "shadow.refused"],
  [`${WHO} has not answered\\.`, "shadow.unanswered"],
  [`${WHO} has ended it\\.`, "shadow.ended"],
  [`${WHO}, who had allowed it, is not connected any more\\.`, "shadow.away"],
  [`${WHO} is asked to allow it\\.`, "shadow.asked"],
].map(([pattern, key]) => ({ pattern: new RegExp(`^${pattern}$`), key: `reason.${key}` }));

// text: a sentence of the server. → the same in the person's language.
export function spoken(text) {
  for (const { pattern, key } of REASONS) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined && !pattern.test(text)) continue;
    const { count, unit, ...values } = groups ?? {};
    const time = unit ? t(`reason.${unit}${count === "1" ? "" : "s"}`, { count }) : "";
    return t(key, { ...values, time });
  }
  return text;
}
