"""The thirty log_formats of `formats.py`: name, escape=, text. What a client sends cannot be mistaken for their separators."""

QUOTED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

FORMATS = (
    ("common", "default", QUOTED),
    ("main_times", "default", QUOTED + ' "$http_x_forwarded_for" $request_time $upstream_response_time'),
    ("phases", "default", QUOTED + ' rt=$request_time uct="$upstream_connect_time" uht="$upstream_header_time" urt="$upstream_response_time"'),
    ("phases_bare", "default", QUOTED + " rt=$request_time uct=$upstream_connect_time uht=$upstream_header_time urt=$upstream_response_time"),
    ("pipe_addr", "default", QUOTED + ' $request_time $upstream_response_time $pipe "$upstream_addr"'),
    ("ingress", "default", QUOTED + " $request_length $request_time [$verdict] $upstream_addr $upstream_response_length "
                                    "$upstream_response_time $upstream_status $request_id"),
    ("time_first", "default", '$request_time $upstream_response_time $upstream_addr $status $msec "$request"'),
    ("msec_first", "default", '$msec $request_time $status "$request_uri" "$http_user_agent"'),
    ("iso_first", "default", '$time_iso8601 $remote_addr:$remote_port $connection $connection_requests "$request" $status $request_time'),
    ("tabs", "default", "$time_iso8601\t$remote_addr\t$request\t$status\t$request_time\t$upstream_response_time\t$http_user_agent\t$uri"),
    ("tabs_msec", "default", "$msec\t$host\t$request_method\t$request_uri\t$server_protocol\t$status\t$bytes_sent\t$request_time\t$http_cookie"),
    ("ltsv", "default", "time:$time_local\thost:$remote_addr\treq:$request\tstatus:$status\tsize:$body_bytes_sent\treferer:$http_referer\t"
                        "ua:$http_user_agent\treqtime:$request_time\tapptime:$upstream_response_time\tvhost:$host"),
    ("pipes", "default", "$msec|$status|$request_time|$upstream_status|$upstream_response_time|$upstream_addr|$scheme|$bytes_sent|$pid"),
    ("commas", "default", "$msec,$status,$request_time,$upstream_response_time,$upstream_status,$bytes_sent,$request_id"),
    ("brackets", "default", "[$time_local] [$status] [$request_time] [$upstream_addr] [$upstream_response_time] [$request_length] [$request_id]"),
    ("keys", "default", '$time_local status=$status upstream_addr=$upstream_addr, upstream_status=$upstream_status, rt=$request_time '
                        'urt=$upstream_response_time request="$request" ua="$http_user_agent"'),
    ("no_quotes", "default", "$msec $remote_addr $status $body_bytes_sent $request_time $request_id $upstream_response_time $http_user_agent"),
    ("glued", "default", '[$time_local]"$request" $status $body_bytes_sent"$http_referer" "$http_user_agent"$request_time$status$pipe$msec'),
    ("adjacent", "default", '$time_iso8601$request_time "$upstream_connect_time""$upstream_header_time" ${status}ms "$arg_q" "$cookie_session"'),
    ("braces", "default", 'x${msec}y${request_time}s "${sent_http_content_type}" "${upstream_http_x_runtime}" [${verdict}] ${tenant}'),
    ("curly", "default", "$time_local “$request” $status “$http_user_agent” $request_time"),
    ("many", "default", '$msec $request_time "$remote_addr" "$remote_port" "$remote_user" "$time_local" "$time_iso8601" "$request" "$status" '
                        '"$body_bytes_sent" "$bytes_sent" "$http_referer" "$http_user_agent" "$http_x_forwarded_for" "$request_length" "$pipe" '
                        '"$connection" "$connection_requests" "$pid" "$request_id" "$request_method" "$request_uri" "$uri" "$args" '
                        '"$server_protocol" "$scheme" "$host" "$http_host" "$server_name" "$server_port" "$gzip_ratio" "$upstream_addr" '
                        '"$upstream_status" "$upstream_response_time" "$upstream_connect_time" "$upstream_header_time" '
                        '"$upstream_response_length" "$upstream_bytes_sent" "$upstream_bytes_received" "$request_completion" "$http_x_empty"'),
    ("spaced", "default", '$msec  "$request"   $status  $request_time  '),
    ("json", "json", '{"time":"$time_iso8601","msec":$msec,"req":"$request","status":$status,"rt":$request_time,'
                     '"urt":"$upstream_response_time","ua":"$http_user_agent","ref":"$http_referer","uri":"$uri"}'),
    ("json_nested", "json", '{ "at": "$time_local", "request": { "id": "$request_id", "line": "$request", "time": "$request_time", '
                            '"headers": { "ua": "$http_user_agent", "cookie": "$http_cookie" } }, "upstream": { "addr": "$upstream_addr", '
                            '"status": "$upstream_status" }, "status": $status }'),
    ("json_tabs", "json", "$msec\t$request_time\t$request\t$http_user_agent\t$uri\t$upstream_response_time"),
    ("json_bare_list", "json", '{"m":$msec,"urt":$upstream_response_time, "s":$status,"sum":"$request_time","ua":"$http_user_agent"}'),
    ("none_tabs", "none", "$msec\t$status\t$request_time\t$request\t$http_user_agent\t$upstream_response_time\t$http_x_forwarded_for"),
    ("none_pipes", "none", "$time_iso8601|$request_time|$upstream_addr|$upstream_response_time|$status|$host|$request_uri"),
    ("none_last", "none", '$msec "$request_uri" $status $request_time $upstream_response_time $http_user_agent'),
)
