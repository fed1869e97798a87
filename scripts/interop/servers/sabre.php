<?php
// A server as the engine's own example builds it, on SQLite: the settings come from the environment.
date_default_timezone_set('UTC');
require_once getenv('SABRE_AUTOLOAD');

use Sabre\CalDAV;
use Sabre\CardDAV;
use Sabre\DAV;
use Sabre\DAVACL;

$file = getenv('SABRE_DATA') . '/db.sqlite';
$pdo = new PDO("sqlite:$file");
$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
// One process writes at a time.
$pdo->exec('PRAGMA busy_timeout = 5000');
// What 1.8 does with PHP 8 is deprecated, and must not be printed into an answer.
error_reporting(E_ALL & ~E_DEPRECATED);

$principals = new DAVACL\PrincipalBackend\PDO($pdo);
$root = class_exists(CalDAV\CalendarRoot::class) ? CalDAV\CalendarRoot::class : CalDAV\CalendarRootNode::class;
$server = new DAV\Server([
    new CalDAV\Principal\Collection($principals),
    new $root($principals, new CalDAV\Backend\PDO($pdo)),
    new CardDAV\AddressBookRoot($principals, new CardDAV\Backend\PDO($pdo)),
    new DAV\FS\Directory(getenv('SABRE_DATA') . '/files'),
]);
$server->setBaseUri('/');

if (class_exists(DAV\Auth\Backend\BasicCallBack::class)) {
    $users = new DAV\Auth\Backend\BasicCallBack(fn ($user, $password) => [$user, $password] === ['alice', 'alice']);
} else {
    class Users extends DAV\Auth\Backend\AbstractBasic
    {
        protected function validateUserPass($user, $password)
        {
            return [$user, $password] === ['alice', 'alice'];
        }
    }
    $users = new Users();
}
$server->addPlugin(new DAV\Auth\Plugin($users, 'interop'));
$server->addPlugin(new DAVACL\Plugin());
$server->addPlugin(new DAV\Locks\Plugin(new DAV\Locks\Backend\PDO($pdo)));
$server->addPlugin(new CalDAV\Plugin());
$server->addPlugin(new CardDAV\Plugin());
foreach ([DAV\Sync\Plugin::class, DAV\Sharing\Plugin::class, CalDAV\Schedule\Plugin::class, CalDAV\SharingPlugin::class] as $later) {
    if (class_exists($later)) {
        $server->addPlugin(new $later());
    }
}
method_exists($server, 'start') ? $server->start() : $server->exec();
