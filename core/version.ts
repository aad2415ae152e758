/** What we call ourselves in receipts, health and user agents. */
export const software = 'faascam/0.1.0';
