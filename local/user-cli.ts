import { InvalidArgumentError, Option, type Command } from 'commander';
import type { UsersPlace } from './commands/user.ts';

/** Loaded when asked for: hashing passwords is native code. */
const users = () => import('./commands/user.ts');

function several(text: string, others: string[] = []): string[] {
  if (text.trim() === '') throw new InvalidArgumentError('not a camera.');
  return [...others, ...text.split(',').map((camera) => camera.trim())];
}

function placed(command: Command): Command {
  return command
    .option('-f, --file <file>', 'users file (default: viewer-users.yml in the data folder)')
    .option('-c, --config <file>', 'faascam.yml that tells where it is')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)');
}

/** Who may come to the page (docs/login.md). */
export function addUserCommands(faascam: Command): void {
  const user = faascam.command('user').description('who may log in to the page (docs/login.md)');
  placed(user.command('add').description('let somebody in; the password is asked for, or read from stdin'))
    .argument('<name>')
    .addOption(
      new Option('-r, --role <role>', 'viewer looks, operator changes events, admin may do everything')
        .choices(['viewer', 'operator', 'admin'])
        .default('viewer'),
    )
    .option('--camera <ids>', 'the only cameras that may be seen: yard,door', several)
    .action(async (name: string, options: Parameters<Awaited<ReturnType<typeof users>>['userAdd']>[1]) =>
      (await users()).userAdd(name, options),
    );
  placed(user.command('passwd').description('another password; ends all sessions of the user'))
    .argument('<name>')
    .action(async (name: string, options: UsersPlace) => (await users()).userPasswd(name, options));
  placed(user.command('rm').description('let somebody in no more; ends all sessions of the user'))
    .argument('<name>')
    .action(async (name: string, options: UsersPlace) => (await users()).userRm(name, options));
  placed(user.command('list').description('who may log in')).action(async (options: UsersPlace) =>
    (await users()).userList(options),
  );

  const token = faascam.command('token').description('tokens for programs that use the API (docs/login.md)');
  placed(token.command('add').description('make a token; it is shown this once'))
    .argument('<name>', 'what it is for')
    .addOption(
      new Option('-s, --scope <scope>', 'what it may do, as viewer, operator and admin')
        .choices(['read', 'operate', 'admin'])
        .default('read'),
    )
    .option('--camera <ids>', 'the only cameras that may be seen: yard,door', several)
    .option('-e, --expires <when>', '90d, 12h or a date (default: never)')
    .action(async (name: string, options: Parameters<Awaited<ReturnType<typeof users>>['tokenAdd']>[1]) =>
      (await users()).tokenAdd(name, options),
    );
  placed(token.command('rm').description('a token that counts no more'))
    .argument('<name>')
    .action(async (name: string, options: UsersPlace) => (await users()).tokenRm(name, options));
  placed(token.command('list').description('which tokens there are')).action(async (options: UsersPlace) =>
    (await users()).tokenList(options),
  );
}
