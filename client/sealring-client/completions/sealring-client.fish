# SPDX-License-Identifier: Apache-2.0
# Completion of sealring-client(8) for fish.
complete -c sealring-client -f -n __fish_use_subcommand -a renew -d 'Replace the key in a file by its successor, if that is due'
complete -c sealring-client -f -n __fish_use_subcommand -a watch -d 'Keep the file current'
complete -c sealring-client -f -n __fish_use_subcommand -a exec -d 'Run a program with the key'
complete -c sealring-client -f -n __fish_use_subcommand -a status -d 'What is known about the key'
complete -c sealring-client -f -n __fish_use_subcommand -l help -d 'How to use it'
complete -c sealring-client -f -n __fish_use_subcommand -l version -d 'Its version'
set -l renews '__fish_seen_subcommand_from renew watch exec'
set -l follows '__fish_seen_subcommand_from watch exec'
complete -c sealring-client -n $renews -x -l url -d 'Where renewals are: https://HOST or unix:PATH'
complete -c sealring-client -n $renews -r -F -l ca -d "Certificates that sign the server's"
complete -c sealring-client -n $renews -r -F -l key -d 'Private key and certificate'
complete -c sealring-client -n $renews -r -F -l vault-keys -d "The vault's keys"
complete -c sealring-client -n '__fish_seen_subcommand_from renew' -x -l wait -d 'How long to wait for another process'
complete -c sealring-client -n $follows -x -l interval -d 'How often to ask the server'
complete -c sealring-client -n $follows -x -l spread -d 'How long a renewal may be delayed'
complete -c sealring-client -n '__fish_seen_subcommand_from watch exec status' -x -l systemd-credential -d 'A credential of the unit'
complete -c sealring-client -n '__fish_seen_subcommand_from exec' -x -l env -d 'The variable with the key'
complete -c sealring-client -n '__fish_seen_subcommand_from exec' -l file -d 'Pass the path of the file'
complete -c sealring-client -n '__fish_seen_subcommand_from exec' -x -l signal -a 'HUP INT QUIT TERM USR1 USR2' -d 'Sent when the key changes'
complete -c sealring-client -n '__fish_seen_subcommand_from exec' -l restart -d 'Start the program again when the key changes'
complete -c sealring-client -n '__fish_seen_subcommand_from status' -l json -d 'Print JSON'
