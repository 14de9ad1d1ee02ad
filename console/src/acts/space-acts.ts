/** Acts that need no more choice than a reason, in words. */
import type { Texts } from '../text/en.ts';
import type { Ban } from '../types.ts';
import {
  type Act,
  deleteRequest,
  freezeRequest,
  kickRequest,
  liftRequest,
  revokeRequest,
  statusRequest,
} from './acts.ts';

export function kick(text: Texts, spaceId: string, userId: string): Act {
  return {
    title: text.act.kickTitle(userId),
    will: text.act.kickWill,
    verb: text.act.kick,
    isHard: true,
    takesReason: true,
    request: (reason) => kickRequest(spaceId, userId, reason),
  };
}

/** @param message its id, what its sender is called, and who they are */
export function deleteMessage(
  text: Texts,
  spaceId: string,
  message: { id: string; name: string; userId: string },
): Act {
  return {
    title: text.chat.deleteTitle(message.name),
    will: text.chat.deleteWill,
    verb: text.chat.deleteVerb,
    isHard: true,
    takesReason: true,
    request: (reason) => deleteRequest(spaceId, message.id, message.userId, reason),
  };
}

export function lift(text: Texts, ban: Ban): Act {
  return {
    title: text.act.liftTitle(ban.userId),
    will: text.act.liftWill,
    verb: text.act.lift,
    isHard: false,
    takesReason: false,
    request: () => liftRequest(ban),
  };
}

export function revoke(text: Texts, userId: string): Act {
  return {
    title: text.act.revokeTitle(userId),
    will: text.act.revokeWill,
    verb: text.act.revoke,
    isHard: true,
    takesReason: true,
    request: (reason) => revokeRequest(userId, reason),
  };
}

export function freeze(text: Texts, spaceId: string): Act {
  return {
    title: text.act.freezeTitle,
    will: text.act.freezeWill,
    verb: text.act.freeze,
    isHard: true,
    takesReason: true,
    request: (reason) => freezeRequest(spaceId, false, reason),
    undo: () => unfreeze(text, spaceId),
  };
}

export function unfreeze(text: Texts, spaceId: string): Act {
  return {
    title: text.act.unfreezeTitle,
    will: text.act.unfreezeWill,
    verb: text.act.unfreeze,
    isHard: false,
    takesReason: true,
    request: (reason) => freezeRequest(spaceId, true, reason),
  };
}

export function close(text: Texts, spaceId: string): Act {
  return {
    title: text.act.closeTitle,
    will: text.act.closeWill,
    verb: text.act.close,
    isHard: true,
    takesReason: false,
    request: () => statusRequest(spaceId, 'closed'),
    undo: () => open(text, spaceId),
  };
}

export function open(text: Texts, spaceId: string): Act {
  return {
    title: text.act.openTitle,
    will: text.act.openWill,
    verb: text.act.open,
    isHard: false,
    takesReason: false,
    request: () => statusRequest(spaceId, 'open'),
  };
}
