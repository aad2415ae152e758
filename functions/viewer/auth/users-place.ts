/** Where users of this host's page are kept unless told otherwise. */
export function usersFileIn(data: string): string {
  return `${data}/viewer-users.yml`;
}
