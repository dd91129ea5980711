# SPDX-License-Identifier: MIT
#
# check_hello(1) in fish.

# Prints 6666, unless the host before the cursor has a port, or can have none.
function __check_hello_port
    string match -qr -- ' (-[46uvhV]*H|--hostname=?) ?(/|@|unix:|vsock:\d*:|\[\S*\]:|(?!vsock:)[^: ]*:[^: ]*( |$))' \
        (string join ' ' -- (commandline -opc))
    or echo 6666
end

# The cursor is in a path, possibly after the option itself.
function __check_hello_wants_path
    string match -qr '^(--hostname=)?(/|unix:)' -- (commandline -ct)
end

complete -c check_hello -f
complete -c check_hello -s H -l hostname -x -a '(__fish_print_hostnames)' -d 'Server to check'
complete -c check_hello -n __check_hello_wants_path -s H -l hostname -r -F
complete -c check_hello -s p -l port -x -a '(__check_hello_port)' -d 'Port of the server'
complete -c check_hello -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c check_hello -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c check_hello -s u -l udp -d 'Ask by datagrams'
complete -c check_hello -l request-size -x -d 'Length of a request'
complete -c check_hello -s w -l warning -x -d 'Range of seconds, outside which it is WARNING'
complete -c check_hello -s c -l critical -x -d 'Range of seconds, outside which it is CRITICAL'
complete -c check_hello -s t -l timeout -x -d 'Give up after this many seconds'
complete -c check_hello -s e -l expect -x -d 'Require the greeting to be this text'
complete -c check_hello -s v -l verbose -d 'Print more; up to three times'
complete -c check_hello -s h -l help -d 'Print help and exit'
complete -c check_hello -s V -l version -d 'Print the version and exit'
