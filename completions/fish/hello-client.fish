# SPDX-License-Identifier: MIT
#
# hello-client(1) in fish.

# Prints the number of options with a port, and then the host and the port, as far as they are
# before the cursor.
function __hello_client_given
    set -l words (commandline -opc)
    set -e words[1]
    # Its argument is being completed.
    string match -qr -- '^(-[46uqvhV]*p|--port)$' $words[-1]
    and set -e words[-1]
    argparse -i 4/ipv4 6/ipv6 'p/port=+' u/udp 'request-size=+' 't/timeout=+' 'c/count=+' \
        'i/interval=+' 'e/expect=+' 'o/output=+' histogram q/quiet v/verbose h/help V/version \
        -- $words
    and string join \n -- (count $_flag_port) $argv
end

function __hello_client_wants_host
    test (count (__hello_client_given)) -eq 1
end

function __hello_client_wants_port
    set -l given (__hello_client_given)
    test (count $given) -eq 2 -a "$given[1]" = 0
    and __hello_client_takes_port
end

function __hello_client_takes_port
    set -l given (__hello_client_given)
    test (count $given) -lt 3
    and not string match -qr '^(/|@|unix:|vsock:.*:|\[.*\]:|(?!vsock:)[^:]*:[^:]*$)' -- $given[2]
end

function __hello_client_wants_path
    __hello_client_wants_host
    and string match -qr '^(/|unix:)' -- (commandline -ct)
end

complete -c hello-client -f
complete -c hello-client -n __hello_client_wants_host -a '(__fish_print_hostnames)' -d Host
complete -c hello-client -n __hello_client_wants_path -F
complete -c hello-client -n __hello_client_wants_port -a 6666 -d Port

complete -c hello-client -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c hello-client -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c hello-client -s p -l port -x -a '(__hello_client_takes_port; and echo 6666)' -d 'Another way to give the port'
complete -c hello-client -s u -l udp -d 'Ask by datagrams instead of connecting'
complete -c hello-client -l request-size -x -d 'Bytes of a request (with --udp)'
complete -c hello-client -s t -l timeout -x -d 'Give up after this many seconds'
complete -c hello-client -s c -l count -x -d 'Repeat, and print a summary'
complete -c hello-client -s i -l interval -x -d 'Seconds from one greeting to the next'
complete -c hello-client -s e -l expect -x -d 'Require the greeting to be this text'
complete -c hello-client -s o -l output -x -a 'text json openmetrics' -d 'Output format'
complete -c hello-client -l histogram -d 'Add a histogram to the summary'
complete -c hello-client -s q -l quiet -d 'Print only the summary'
complete -c hello-client -s v -l verbose -d 'Print each connection attempt and each phase'
complete -c hello-client -s h -l help -d 'Print help and exit'
complete -c hello-client -s V -l version -d 'Print the version and exit'
