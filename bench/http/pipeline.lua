-- Sixteen requests at a time on each connection.
function init()
    local requests = {}
    for i = 1, 16 do
        requests[i] = wrk.format("GET", "/livez")
    end
    batch = table.concat(requests)
end

function request()
    return batch
end
