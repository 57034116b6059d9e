// The sentences of the pages that are loaded later, in the person's language: those for administrators, and the
// account's.

import { addStrings, tableOf } from "../strings.js";

export const ADMIN = await tableOf((language) => import(`./strings/${language}.js`));
addStrings(ADMIN);
