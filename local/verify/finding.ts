/** What may be found. Stable, for programs. */
export type FindingCode =
  // the receipt and its folder
  | 'receipt-missing'
  | 'receipt-unreadable'
  | 'receipt-inconsistent'
  | 'receipt-damaged'
  | 'wrong-folder'
  | 'removal-unreadable'
  // what the agent signed
  | 'not-signed'
  | 'no-agent'
  | 'key-not-pinned'
  | 'signature-invalid'
  | 'other-event-signed'
  | 'event-changed'
  | 'window-changed'
  | 'segments-changed'
  | 'segments-reordered'
  | 'gaps-changed'
  | 'receipt-changed'
  // objects
  | 'object-missing'
  | 'object-size'
  | 'object-changed'
  | 'object-misnamed'
  | 'object-unexpected'
  // a camera's chain
  | 'link-missing'
  | 'link-doubled'
  | 'link-broken'
  | 'head-differs'
  | 'link-waiting'
  | 'another-key';

/** One thing that is wrong, or worth a note. */
export interface Finding {
  level: 'wrong' | 'note';
  code: FindingCode;
  camera?: string;
  eventId?: string;
  /** One sentence, which begins with where it was found. */
  message: string;
}
