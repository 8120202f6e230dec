"""Writes chat-templates.json: what transformers makes of chat templates that use, between them, what Mica's interpreter knows.

    python3 chat_templates.py > chat-templates.json        # transformers 5.23.0, jinja2 3.1.6

Every template here was written for this test.
"""
import json

from transformers.utils.chat_template_utils import render_jinja_template

TALK = [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Hi,\n it's \"me\" <&> é"},
        {"role": "assistant", "content": "Hello!  "}, {"role": "user", "content": "12 + 7?"}, {"role": "assistant", "content": "19"}]
TOOLS = [{"name": "add", "parameters": {"type": "object", "items": [1, 2.5, None, True], "é": "ü"}}, {"name": "sub", "parameters": {}}]

# name: template, each with the conversation TALK, its first message, and none; with and without the generation prompt
TEMPLATES = {
    "plain": "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m['content'] | trim }}</{{ m.role }}>\n{% endfor %}\n"
             "{% if add_generation_prompt %}<assistant>{% endif %}\n",
    "lines": "{# a note #}\n{% for m in messages %}\n  {% if m.role == 'user' %}\n    U: {{ m.content }}\n  {% else %}\n{{ m.role }}\n"
             "  {% endif %}\n{% endfor %}\nend\n",
    "signs": "a {%- if true -%} b {%- endif +%}\n c {{- ' d ' -}} e\n  {%+ if true %}f{% endif %} {#- gone -#} g\n\n",
    "namespace": "{% set ns = namespace(n=0, last='') %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.n = ns.n + 1 %}"
                 "{% set ns.last = m.content %}{% endif %}{% set inner = loop.index %}{% endfor %}{{ ns.n }}|{{ ns.last }}|{{ inner is defined }}",
    "loop": "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}"
            "{{ loop.length }}{{ loop.previtem.role if loop.previtem is defined else '-' }}{{ loop.nextitem.role if not loop.last }};{% else %}none{% endfor %}",
    "control": "{% for m in messages if m.role != 'system' %}{% if loop.index == 2 %}{% continue %}{% endif %}{% if loop.index > 3 %}{% break %}"
               "{% endif %}{{ m.role }},{% endfor %}",
    "slices": "{{ messages[1:] | length }}{{ messages[-1:] | map(attribute='role') | join(',') }}{{ messages[::-1] | map(attribute='role') | join(' ') }}"
              "{{ 'abcdef'[1:4] }}{{ 'abcdef'[::-2] }}{{ 'abc'[-1] }}{{ 'abcdef'[-10:2] }}{{ 'abcdef'[10:2:-1] }}",
    "macro": "{% macro say(who, what='nothing', end='.') %}{{ who }}: {{ what }}{{ end }}{% endmacro %}{% for m in messages %}"
             "{{ say(m.role, m.content | trim, end='!') }}\n{% endfor %}{{ say('x') }}{{ say(what='y', who='z') }}",
    "operators": "{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 1 ~ 2 ~ none }} {{ 'a' + 'b' * 3 }} {{ [1] + [2] }} "
                 "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' in 'cat' }} {{ 3 not in [1, 2] }} {{ not 0 }} {{ none or 'x' }} {{ '' and 'y' }} {{ 5 if false }}|"
                 "{{ true and not false }} {{ -2 | abs }} {{ (1, 'a') }} {{ {'k': [1.5, none]} }}",
    "filters": "{{ ' a ' | trim }}{{ 'aBc' | upper }}{{ 'aBc' | lower }}{{ 'heLLo you' | capitalize }}{{ 'hello you-two' | title }}{{ [1, 2] | first }}"
               "{{ 'xyz' | last }}{{ [1, 2, 3] | join('-') }}{{ x | default('d') }}{{ '' | default('e', true) }}{{ 'aXbX' | replace('X', '') }}"
               "{{ [3, 1, 2] | sort }}{{ ['b', 'A'] | sort(reverse=true) }}{{ [1, 2, 2] | unique | list }}{{ 'abc' | reverse }}{{ '12' | int + 1 }}"
               "{{ '1.5' | float }}{{ 2.567 | round(1) }}{{ [1, 2] | sum }}{{ [4, 9] | max }}{{ [4, 9] | min }}{{ '<a>' | escape }}{{ 'a\nb' | indent(2) }}"
               "{{ 'a b c' | wordcount }}{{ {'b': 1, 'a': 2} | dictsort }}{{ {'b': 1} | items | list }}{{ 3 | string + '!' }}{{ 'abc' | list }}{{ 'ab' | length }}",
    "select": "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | map('trim') | list }}"
              "{{ messages | rejectattr('role', 'in', ['user', 'system']) | list | length }}{{ [0, 1, 2] | select | list }}{{ [1, 2, 3] | reject('odd') | list }}",
    "tests": "{{ x is defined }}{{ messages is defined }}{{ none is none }}{{ 'a' is string }}{{ 1 is number }}{{ 1.0 is float }}{{ 1 is integer }}"
             "{{ {} is mapping }}{{ [] is iterable }}{{ 'a' is sequence }}{{ true is boolean }}{{ true is true }}{{ 4 is even }}{{ 9 is divisibleby 3 }}"
             "{{ 1 is eq 1 }}{{ 'a' is not none }}{{ 'A' is upper }}{{ 1 is in [1] }}{{ 2 is gt(1) }}{{ 'a' is number or 'b' is string }}",
    "methods": "{{ ' ab '.strip() }}{{ 'xxaxx'.strip('x') }}{{ 'a,b,c'.split(',') }}{{ 'a b  c'.split() }}{{ 'a</t>b</t>c'.split('</t>')[-1] }}"
               "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.upper() }}{{ 'a-b'.replace('-', '+') }}{{ '\n a'.lstrip('\n') }}"
               "{{ ', '.join(['a', 'b']) }}{{ 'hello world'.title() }}{{ 'abcb'.find('b') }}{{ 'abcb'.count('b') }}{{ 'a,b,c'.rsplit(',', 1) }}"
               "{{ {'a': 1}.get('a') }}{{ {'a': 1}.get('b', 2) }}{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}{{ {'a': 1}.keys() | list }}"
               "{{ 'l1\nl2\n'.splitlines() }}{{ '7'.isdigit() }}",
    "json": "{{ tools | tojson }}\n{{ tools | tojson(indent=2) }}\n{{ {'b': 1, 'a': \"x\n\\\"\"} | tojson }}{{ [] | tojson }}{{ 1e20 | tojson }}{{ 0.00001 }}{{ 0.0001 }}{{ 1e16 }}{{ 123456789.125 }}",
    "blocks": "{% set text %}  {{ messages | length }} messages {% endset %}[{{ text }}]{% set up | trim | upper %} {{ 'abc' }} {% endset %}[{{ up }}]"
              "{% filter upper %}quiet {{ 'voice' }}{% endfilter %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% raw %}{{ raw }}{% endraw %}",
    "tuples": "{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% for x, y in [(1, 2), [3, 4]] %}{{ x + y }},{% endfor %}{% for c in 'ab' %}{{ c }}.{% endfor %}"
              "{% for k in {'p': 1, 'q': 2} %}{{ k }}{% endfor %}{{ range(3) | list }}{{ range(5, 0, -2) | list }}{{ dict(a=1)['a'] }}",
    "strings": "{{ 'tab\\tnl\\nquote\\'\\\"back\\\\ \\u00e9 \\x41 \\q' }}{{ \"it's\" }}{{ 'a' 'b' }}{{ [\"it's\", 'say \"x\"', 'a\\nb'] }}{{ 'é' | length }}{{ '👩‍👩‍👧' | length }}",
    "undefined": "[{{ nothing }}][{{ messages[0].nothing }}][{{ nothing | trim }}][{{ nothing | length }}]{% for x in nothing %}{% endfor %}"
                 "{{ nothing is undefined }}{{ 'x' ~ nothing }}{{ not nothing }}{{ messages[99] is defined }}{{ nothing == nothing2 }}{{ nothing | default(none) }}",
    "elif": "{% for m in messages %}{% if m.role == 'system' %}S{% elif m.role == 'user' and loop.index > 2 %}U2{% elif m.role == 'user' %}U{% else %}"
            "{{ m.role[0] | upper }}{% endif %}{% endfor %}{% if tools %}T{% endif %}{{ 'g' if add_generation_prompt else 'n' }}",
    "scopes": "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}{% for i in [1] %}{% set x = 3 %}{{ x }}{% endfor %}{{ x }}"
              "{% macro see() %}{{ x }}{% set x = 9 %}{{ x }}{% endmacro %}{{ see() }}{{ x }}",
    "refusals": "{% if messages[0].role != 'system' %}{{ raise_exception('system first') }}{% endif %}ok",
    "generation": "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}"
                  "{% else %}{{ m.content }}{% endif %}{% endfor %}",
}


def case(template, messages, tools, prompt):
    try:
        texts, spans = render_jinja_template([messages], tools=tools, chat_template=template, add_generation_prompt=prompt,
                                             return_assistant_tokens_mask="generation" in template, bos_token="<s>", eos_token="</s>")
    except Exception:
        return None, []
    return texts[0], [list(s) for s in spans[0]] if spans else []


if __name__ == "__main__":
    rows = []
    for name, template in TEMPLATES.items():
        for messages, tools, prompt in ((TALK, TOOLS, True), (TALK[1:3], None, False)):
            text, spans = case(template, messages, tools, prompt)
            rows.append({"name": name, "template": template, "messages": messages, "tools": tools, "prompt": prompt, "text": text, "generated": spans})
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")
